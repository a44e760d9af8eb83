/** What QEMU reads its state from: a FIFO, a socket, a descriptor. */
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

  /** A QEMU that listens on a socket; what it was sent, when that is over. */
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

  it('feeds a FIFO', async () => {
    const path = makeFifo(scratch('fifo'));
    const [state] = await Promise.all([drained(path), feed(path)]);
    expect(state.equals(STATE)).toBe(true);
  });

  it('feeds a socket that QEMU listens on', async () => {
    const path = scratch('incoming.sock');
    const state = listening(path);
    await settled(5);
    await feed(path);
    expect((await state).equals(STATE)).toBe(true);
  });

  it('feeds a descriptor that is a FIFO', async () => {
    const path = makeFifo(scratch('fifo'));
    const reader = readingEnd(path);
    const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const [state] = await Promise.all([drained(path), feed(`fd:${fd}`)]);
    expect(state.equals(STATE)).toBe(true);
    closeSync(reader);
  });

  it('feeds a descriptor that is a file', async () => {
    await feed(`fd:${openSync(scratch('file'), 'w')}`);
    expect(readFileSync(scratch('file')).equals(STATE)).toBe(true);
  });

  it('opens nothing before it is asked to', async () => {
    const path = scratch('incoming.sock');
    const server = createServer(() => {
      throw new Error('nobody should come');
    });
    server.listen(path);
    atEnd(() => server.close());
    await settled(5);
    await incomingStream(path, 1_000);
    await settled(10);
  });

  it.each<[string, string, (path: string) => unknown]>([
    ['nothing', 'nothing there', () => undefined],
    ['a file', 'a file or device', (path) => writeFileSync(path, '')],
    ['a folder', 'a folder', (path) => mkdirSync(path)],
  ])('does not take %s', async (_what, found, make) => {
    make(scratch('incoming'));
    await expect(incomingStream(scratch('incoming'), 0)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      message: 'QEMU cannot be fed through this',
      details: {
        where: scratch('incoming'),
        expected: 'a FIFO, a socket that QEMU listens on, or fd:N',
        found,
        hint: "make a FIFO (mkfifo) and start QEMU with -incoming 'exec:cat FIFO'",
      },
    });
  });

  it('does not take a descriptor that is not there', async () => {
    await expect(incomingStream('fd:999999', 0)).rejects.toMatchObject({
      code: 'DESTINATION_UNWRITABLE',
      details: { where: 'fd:999999', found: 'no such descriptor' },
    });
  });

  it.each(['fd:', 'fd:x', 'fd:1234567890'])('takes %s for the name of a file', async (incoming) => {
    await expect(incomingStream(incoming, 0)).rejects.toMatchObject({ details: { found: 'nothing there' } });
  });

  it('to a FIFO that nobody reads is DESTINATION_GONE', async () => {
    const open = await incomingStream(makeFifo(scratch('fifo')), 20);
    await expect(open()).rejects.toMatchObject({ code: 'DESTINATION_GONE', message: 'nobody reads the FIFO' });
  });

  it('to a socket that nobody listens on is DESTINATION_GONE', async () => {
    deadSocket(scratch('incoming.sock'));
    const before = openResources();
    const open = await incomingStream(scratch('incoming.sock'), 50);
    await expect(open()).rejects.toMatchObject({
      code: 'DESTINATION_GONE',
      message: 'nobody listens on the socket',
      details: {
        where: scratch('incoming.sock'),
        expected: 'a QEMU that listens within 50 ms',
        found: 'ECONNREFUSED',
        hint: "start QEMU with -incoming 'unix:PATH' before or during the restore",
      },
    });
    await until(() => leftSince(before).length === 0);
  });
});
