import { afterEach, describe, expect, it } from '@jest/globals';
import { PipeSource } from '../../../src/io/pipe-source.js';
import { acceptedSocket, type Connection } from '../../support/io/accepted-socket.js';
import { allOf } from '../../support/io/all-of.js';
import { expectCancelledRead } from '../../support/io/closed-under-a-read.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { sampleState } from '../../support/statefile/written-statefile.js';

/** Simulates a Node that does not expose the descriptor. */
function hideDescriptor({ accepted }: Connection): void {
  Object.defineProperty(Reflect.get(accepted, '_handle'), 'fd', { value: -1 });
}

describe.each([
  ['with its descriptor', () => undefined],
  ['without its descriptor', hideDescriptor],
])('a PipeSource of an accepted socket, %s', (_, prepare: (connection: Connection) => void) => {
  const scratch = scratchFolder();
  const open: Connection[] = [];

  async function opened(): Promise<Connection & { path: string; source: PipeSource }> {
    const path = scratch('socket');
    const connection = await acceptedSocket(path);
    open.push(connection);
    prepare(connection);
    return { ...connection, path, source: PipeSource.ofSocket(connection.accepted, path) };
  }
  afterEach(() => {
    for (const { accepted, writer } of open.splice(0)) for (const end of [accepted, writer]) end.destroy();
  });

  it.each([
    [1, 1],
    [65_537, 65_536],
    [5_000_003, 1_048_576],
    [5_000_003, 100_000],
    [300_000, 977],
  ])('returns all %i bytes in order, up to %i at a time, and then the end', async (length, size) => {
    const { source, writer } = await opened();
    writer.end(sampleState(length));
    expect((await allOf(source, size)).equals(sampleState(length))).toBe(true);
    expect(await source.read(new Uint8Array(10))).toBe(0);
    await source.close();
  });

  it('keeps the order when its reader is alternately faster and slower than the writer', async () => {
    const { source, writer } = await opened();
    const state = sampleState(3_000_000);
    for (let from = 0; from < state.length; from += 70_001) writer.write(state.subarray(from, from + 70_001));
    writer.end();
    const [chunks, buffer]: [Uint8Array[], Uint8Array] = [[], new Uint8Array(200_000)];
    for (let turn = 0; ; turn += 1) {
      const count = await source.read(buffer);
      if (count === 0) break;
      chunks.push(Uint8Array.from(buffer.subarray(0, count)));
      // The delay lets the event loop read more than was requested.
      if (turn % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(Buffer.concat(chunks).equals(state)).toBe(true);
    await source.close();
  });

  it('rejects a pending read when it is closed', async () => {
    const { path, source } = await opened();
    await expectCancelledRead(source, path);
  });
});
