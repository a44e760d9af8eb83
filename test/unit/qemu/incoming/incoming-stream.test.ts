/** The streams that QEMU reads its state from: a FIFO, a socket, a descriptor. */
import { closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { incomingStream } from '../../../../src/qemu/index.js';
import { drained, makeFifo, readingEnd } from '../../../support/io/fifo.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { afterTest } from '../../../support/qmp/after-test.js';
import { deadSocket } from '../../../support/qmp/dead-socket.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { settled, until } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const STATE = sampleState(500_000);

describe('incomingStream', () => {
  const scratch = scratchFolder();
  const atEnd = afterTest();

  /** Listens on a socket, like QEMU. Resolves with the received bytes at the end of the stream. */
  function listening(path: string): Promise<Buffer> {
    return new Promise((resolve) => {
      const server = createServer((socket) => {
        const fragments: Buffer[] = [];
        socket.on('data', (chunk) => void fragments.push(chunk));
        socket.on('end', () => resolve(Buffer.concat(fragments)));
      });
      server.listen(path);
      atEnd(() => server.close());
    });
  }

  async function feed(incoming: string): Promise<void> {
    const output = await (await incomingStream(incoming, 10_000))();
    await output.write(STATE);
    await output.end();
  }

  it('writes to a FIFO', async () => {
    const path = makeFifo(scratch('fifo'));
    const [state] = await Promise.all([drained(path), feed(path)]);
    expect(state.equals(STATE)).toBe(true);
  });

  it('writes to a socket that QEMU listens on', async () => {
    const path = scratch('incoming.sock');
    const state = listening(path);
    await settled(5);
    await feed(path);
    expect((await state).equals(STATE)).toBe(true);
  });

  it('writes to a descriptor of a FIFO', async () => {
    const path = makeFifo(scratch('fifo'));
    const reader = readingEnd(path);
    const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const [state] = await Promise.all([drained(path), feed(`fd:${fd}`)]);
    expect(state.equals(STATE)).toBe(true);
    closeSync(reader);
  });

  it('writes to a descriptor of a file', async () => {
    await feed(`fd:${openSync(scratch('file'), 'w')}`);
    expect(readFileSync(scratch('file')).equals(STATE)).toBe(true);
  });

  it('opens nothing before the returned function is called', async () => {
    const path = scratch('incoming.sock');
    const server = createServer(() => {
      throw new Error('unexpected connection');
    });
    server.listen(path);
    atEnd(() => server.close());
    await settled(5);
    await incomingStream(path, 1_000);
    await settled(10);
  });

  it.each<[string, string, (path: string) => unknown]>([
    ['a path that does not exist', 'no such file', () => undefined],
    ['a file', 'a file or device', (path) => writeFileSync(path, '')],
    ['a directory', 'a directory', (path) => mkdirSync(path)],
  ])('rejects %s', async (_what, found, make) => {
    make(scratch('incoming'));
    await expect(incomingStream(scratch('incoming'), 0)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'QEMU cannot read its incoming state from this',
      details: {
        where: scratch('incoming'),
        expected: 'a FIFO, a socket that QEMU listens on, or fd:N',
        found,
      },
    });
  });

  it('rejects a descriptor that does not exist', async () => {
    await expect(incomingStream('fd:999999', 0)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      details: { where: 'fd:999999', found: 'no such descriptor' },
    });
  });

  it.each(['fd:', 'fd:x', 'fd:1234567890'])('takes %s for a file name', async (incoming) => {
    await expect(incomingStream(incoming, 0)).rejects.toMatchObject({ details: { found: 'no such file' } });
  });

  it('rejects with DESTINATION_GONE for a FIFO without a reader', async () => {
    const open = await incomingStream(makeFifo(scratch('fifo')), 20);
    await expect(open()).rejects.toMatchObject({ code: 'DESTINATION_GONE', message: 'the FIFO has no reader' });
  });

  it('rejects with DESTINATION_GONE for a socket without a listener', async () => {
    deadSocket(scratch('incoming.sock'));
    const before = openResources();
    const open = await incomingStream(scratch('incoming.sock'), 50);
    await expect(open()).rejects.toMatchObject({
      code: 'DESTINATION_GONE',
      message: 'no process listens on the socket',
      details: {
        where: scratch('incoming.sock'),
        expected: 'a QEMU that listens within 50 ms',
        found: 'ECONNREFUSED',
      },
    });
    await until(() => leftSince(before).length === 0);
  });
});
