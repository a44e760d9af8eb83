/** Opens what QEMU reads its incoming state from, as the command line of QEMU and ours name it. */
import { fstat } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { StubferryError } from '../../base/errors/index.js';
import { descriptorOutput, openFifo, pipeOutput, type StreamOutput, socketOutput } from '../../io/index.js';
import { connectSocket } from '../qmp/index.js';

/** N of `fd:N`, a descriptor that this process was given; undefined for anything else. */
export function descriptorOf(incoming: string): number | undefined {
  const [, digits] = /^fd:(\d{1,9})$/.exec(incoming) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * @param incoming path of a FIFO (`-incoming 'exec:cat FIFO'`, or a descriptor of QEMU's that is one), path of a socket that
 * QEMU listens on (`-incoming unix:PATH`), or `fd:N`
 * @param readerMs how long QEMU may take to open its end, milliseconds
 * @throws StubferryError DESTINATION_UNWRITABLE for what can be no such thing
 */
export async function incomingStream(incoming: string, readerMs: number): Promise<() => Promise<StreamOutput>> {
  const fd = descriptorOf(incoming);
  if (fd !== undefined) {
    const kind = await promisify(fstat)(fd).catch((cause: unknown) => {
      throw unsuited(incoming, 'no such descriptor', cause);
    });
    return async () => {
      return kind.isFIFO() || kind.isSocket() ? pipeOutput(fd, incoming) : descriptorOutput(fd, incoming);
    };
  }
  const kind = await stat(incoming).catch((cause: unknown) => {
    throw unsuited(incoming, 'nothing there', cause);
  });
  if (kind.isFIFO()) return () => openFifo(incoming, readerMs);
  if (kind.isSocket()) {
    return async () => socketOutput(await connected(incoming, readerMs), incoming);
  }
  throw unsuited(incoming, kind.isDirectory() ? 'a folder' : 'a file or device');
}

async function connected(path: string, waitMs: number): Promise<Socket> {
  try {
    return await connectSocket(path, { signal: new AbortController().signal, waitMs });
  } catch (cause) {
    throw new StubferryError('DESTINATION_GONE', 'nobody listens on the socket', {
      where: path,
      expected: `a QEMU that listens within ${waitMs} ms`,
      found: StubferryError.from(cause).details.found,
      hint: "start QEMU with -incoming 'unix:PATH' before or during the restore",
      cause,
    });
  }
}

function unsuited(where: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('DESTINATION_UNWRITABLE', 'QEMU cannot be fed through this', {
    where,
    expected: 'a FIFO, a socket that QEMU listens on, or fd:N',
    found,
    hint: "make a FIFO (mkfifo) and start QEMU with -incoming 'exec:cat FIFO'",
    cause,
  });
}
