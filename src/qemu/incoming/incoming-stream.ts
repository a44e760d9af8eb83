/**
 * Opens the stream that QEMU reads its incoming state from, by the name used in the command lines of QEMU and
 * stubferry.
 */
import { fstat } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { StubferryError } from '../../base/errors/index.js';
import { descriptorOutput, openFifo, pipeOutput, type StreamOutput, socketOutput } from '../../io/index.js';
import { connectSocket } from '../qmp/index.js';

/** Returns N of `fd:N`, a descriptor that this process inherited; undefined for any other text. */
export function descriptorOf(incoming: string): number | undefined {
  const [, digits] = /^fd:(\d{1,9})$/.exec(incoming) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Checks `incoming` and returns a function that opens it.
 *
 * @param incoming the path of a FIFO (`-incoming 'exec:cat FIFO'`, or a descriptor of QEMU that is a FIFO), the path of
 * a socket that QEMU listens on (`-incoming unix:PATH`), or `fd:N`
 * @param readerMs how long QEMU may take to open its end, in milliseconds
 * @returns a function that opens the stream. It rejects with DESTINATION_GONE when QEMU does not open its end in time
 * @throws StubferryError DESTINATION_UNWRITABLE: `incoming` is none of these
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
    throw unsuited(incoming, 'no such file', cause);
  });
  if (kind.isFIFO()) return () => openFifo(incoming, readerMs);
  if (kind.isSocket()) {
    return async () => socketOutput(await connected(incoming, readerMs), incoming);
  }
  throw unsuited(incoming, kind.isDirectory() ? 'a directory' : 'a file or device');
}

async function connected(path: string, waitMs: number): Promise<Socket> {
  try {
    return await connectSocket(path, { signal: new AbortController().signal, waitMs });
  } catch (cause) {
    throw new StubferryError('DESTINATION_GONE', 'no process listens on the socket', {
      where: path,
      expected: `a QEMU that listens within ${waitMs} ms`,
      found: StubferryError.from(cause).details.found,
      hint: "start QEMU with -incoming 'unix:PATH' before or during the restore",
      cause,
    });
  }
}

function unsuited(where: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('DESTINATION_UNWRITABLE', 'QEMU cannot read its incoming state from this', {
    where,
    expected: 'a FIFO, a socket that QEMU listens on, or fd:N',
    found,
    hint: "create a FIFO (mkfifo) and start QEMU with -incoming 'exec:cat FIFO'",
    cause,
  });
}
