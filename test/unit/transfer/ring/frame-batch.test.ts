import { describe, expect, it } from '@jest/globals';
import { type Link, RingWriter } from '../../../../src/transfer/ring/index.js';
import { SMALL, type TestDisk, testDisk } from '../../../support/ring/disks.js';

interface Sending {
  readonly disk: TestDisk;
  readonly link: Link;
  readonly writer: RingWriter;
  /** The writes to the ring: offset from its start, and length. */
  readonly writes: [position: number, length: number][];
}

/** A slot holds 28 KiB, the ring 64 KiB. */
async function sending(): Promise<Sending> {
  const disk = await testDisk({ maxPayload: 24 * 1024 });
  const writes: [number, number][] = [];
  disk.device.onWrite = (bytes, position) => {
    if (position >= SMALL.ringStart) writes.push([position - SMALL.ringStart, bytes.length]);
    return undefined;
  };
  const link = await disk.link('sender');
  return { disk, link, writer: new RingWriter(link), writes };
}

async function put(writer: RingWriter, ...lengths: number[]): Promise<void> {
  for (const payloadLength of lengths) {
    await writer.put(await writer.slot(), { type: 'data', payloadLength, streamOffset: 0 });
  }
}

describe('small frames', () => {
  it('are written with one write when they follow each other immediately', async () => {
    const { writer, writes } = await sending();
    await put(writer, 1, 4096, 5000);
    await writer.drain();
    expect(writes).toEqual([[0, 28_672]]);
  });

  it('need more than one write when they do not fit into one slot', async () => {
    const { writer, writes } = await sending();
    await put(writer, 8192, 8192, 1);
    await writer.drain();
    expect(writes).toEqual([
      [0, 24_576],
      [24_576, 8192],
    ]);
  });

  it('do not wait beyond the next event-loop turn', async () => {
    const { disk, writer, writes } = await sending();
    await put(writer, 1);
    const before = writer.written;
    await disk.clock.sleep(1);
    expect([before, writes, writer.written]).toEqual([0, [[0, 8192]], 8192]);
  });

  it('are not combined into one write across the end of a lap', async () => {
    const { disk, writer, writes } = await sending();
    const receiver = await disk.link('receiver');
    // The sender reads in the middle of a lap that everything was consumed: the frames at the end of the lap need not
    // wait for space.
    await put(writer, 20_000, 20_000);
    await receiver.own.publish({ peerEpoch: 11n, cursor: 24_576 });
    await put(writer, 20_000);
    await writer.drain();
    await receiver.own.publish({ cursor: writer.written });
    await put(writer, 20_000, 4096);
    await writer.drain();
    writes.length = 0;
    await put(writer, 1, 1);
    await writer.drain();
    expect(writes).toEqual([
      [57_344, 8192],
      [0, 8192],
    ]);
  });

  it('are not written after the link was closed', async () => {
    const { disk, link, writer, writes } = await sending();
    await put(writer, 1);
    await link.close();
    await disk.clock.sleep(1);
    expect(writes).toEqual([]);
  });
});
