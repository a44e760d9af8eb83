import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BLOCK_SIZE } from '../../../../src/formats/protocol/block.js';
import { RingReader, RingWriter } from '../../../../src/transfer/ring/index.js';
import { refusal, type TestDisk, testDisk } from '../../../support/ring/disks.js';

const payloadOf = (length: number, salt: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + salt) & 0xff);

/** Sends payloads of these lengths as DATA frames. */
async function sendAll(disk: TestDisk, lengths: readonly number[]): Promise<void> {
  const link = await disk.link('sender');
  const writer = new RingWriter(link);
  link.own.set({ phase: 'streaming' });
  let streamOffset = 0;
  for (const [index, payloadLength] of lengths.entries()) {
    const slot = await writer.slot();
    slot.payload.set(payloadOf(payloadLength, index));
    await writer.put(slot, { type: 'data', payloadLength, streamOffset });
    streamOffset += payloadLength;
  }
  await writer.drain();
  await link.close();
}

async function receiveAll(disk: TestDisk, count: number): Promise<Uint8Array[]> {
  const link = await disk.link('receiver');
  const reader = new RingReader(link);
  const received: Uint8Array[] = [];
  while (received.length < count) received.push(Uint8Array.from((await reader.next()).payload));
  await link.close();
  return received;
}

/** Writes ten frames of 12 KiB, more than the ring of 64 KiB holds. */
async function overfill(writer: RingWriter): Promise<void> {
  for (let index = 0; index < 10; index += 1) {
    await writer.put(await writer.slot(), { type: 'data', payloadLength: 8192, streamOffset: index * 8192 });
  }
}

describe('the ring', () => {
  it('carries frames of any sizes over many laps, unchanged and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 8192 }), { maxLength: 60 }), async (lengths) => {
        const disk = await testDisk();
        const [, received] = await Promise.all([sendAll(disk, lengths), receiveAll(disk, lengths.length)]);
        expect(received).toEqual(lengths.map(payloadOf));
      }),
      { numRuns: 60 },
    );
  });

  it('delivers every frame when the receiver starts after the sender has written all of them', async () => {
    const disk = await testDisk();
    const lengths = [4096, 1, 8192, 5];
    await sendAll(disk, lengths);
    await expect(receiveAll(disk, lengths.length)).resolves.toEqual(lengths.map(payloadOf));
  });

  it('never overwrites frames that the receiver has not consumed', async () => {
    const disk = await testDisk();
    const writer = new RingWriter(await disk.link('sender'));
    // 64 KiB of ring hold five frames of 12 KiB; the sixth does not fit behind them.
    const put = async (index: number): Promise<void> => {
      const slot = await writer.slot();
      await writer.put(slot, { type: 'data', payloadLength: 8192, streamOffset: index * 8192 });
    };
    await disk.link('receiver');
    for (let index = 0; index < 5; index += 1) await put(index);
    await writer.drain();
    const before = new Uint8Array(BLOCK_SIZE);
    await disk.device.medium.read(before, disk.superblock.ringStart);
    const error = await refusal(put(5));
    const after = new Uint8Array(BLOCK_SIZE);
    await disk.device.medium.read(after, disk.superblock.ringStart);
    expect(error).toMatchObject({
      code: 'NO_PROGRESS',
      message: 'the receiver is alive but reads nothing from the ring',
    });
    expect(after).toEqual(before);
  });

  it('never overwrites a frame whose write is unfinished, even if the receiver has consumed it', async () => {
    const disk = await testDisk();
    let begun = 0;
    let ended = 0;
    let endedBeforeTheSecond = 0;
    disk.device.onWrite = (_, position, pass) => {
      if (position !== disk.superblock.ringStart) return undefined;
      begun += 1;
      if (begun === 2) endedBeforeTheSecond = ended;
      // All bytes are visible immediately; the write finishes later.
      return pass()
        .then(() => disk.clock.sleep(200))
        .then(() => {
          ended += 1;
        });
    };
    const lengths = Array.from({ length: 8 }, () => 8192);
    const [, received] = await Promise.all([sendAll(disk, lengths), receiveAll(disk, lengths.length)]);
    expect(received).toEqual(lengths.map(payloadOf));
    expect({ begun, endedBeforeTheSecond }).toEqual({ begun: 2, endedBeforeTheSecond: 1 });
  });

  it('reports the error of a background write', async () => {
    const disk = await testDisk();
    const writer = new RingWriter(await disk.link('sender'));
    disk.device.onWrite = () => Promise.reject(new Error('medium error'));
    const slot = await writer.slot();
    await writer.put(slot, { type: 'data', payloadLength: 10, streamOffset: 0 });
    await expect(writer.drain()).rejects.toThrow('medium error');
    await expect(writer.slot()).rejects.toThrow('medium error');
  });

  it('rejects a cursor that the receiver cannot have reached', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.own.publish({ peerEpoch: link.own.epoch, cursor: 1024 * 1024 });
    const writer = new RingWriter(link);
    expect(await refusal(overfill(writer))).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: "the receiver's cursor is impossible",
      details: { expected: '0 to 65536', found: '1048576' },
    });
  });

  it('ignores the cursor of a receiver that still names the epoch of an earlier sender', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.own.publish({ peerEpoch: 999n, cursor: 1024 * 1024 });
    const writer = new RingWriter(link);
    expect(await refusal(overfill(writer))).toMatchObject({ code: 'NO_PROGRESS' });
  });
});
