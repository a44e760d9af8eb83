import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { BLOCK_SIZE, viewOf } from '../../../../src/formats/protocol/block.js';
import { encodeFrameHeader, type FrameFields } from '../../../../src/formats/protocol/frame.js';
import { LIMITS } from '../../../../src/formats/protocol/limits.js';
import { checkHeader } from '../../../../src/transfer/ring/frame-check.js';
import { DEFAULT_TIMEOUTS, type Link, RingReader, RingWriter } from '../../../../src/transfer/ring/index.js';
import { refusal, type TestDisk, testDisk } from '../../../support/ring/disks.js';

const SENDER_EPOCH = 11n;

/** Writes one complete frame of 5000 bytes to the disk. The sender stays and keeps publishing its cursor. */
async function oneFrame(disk: TestDisk): Promise<Link> {
  const sender = await disk.link('sender', SENDER_EPOCH);
  const writer = new RingWriter(sender);
  const slot = await writer.slot();
  slot.payload.fill(1, 0, 5000);
  await writer.put(slot, { type: 'data', payloadLength: 5000, streamOffset: 0 });
  await writer.drain();
  await sender.own.publish({ phase: 'streaming', cursor: writer.written });
  return sender;
}

/** Writes a forged header block at the start of the ring. */
async function forge(disk: TestDisk, link: Link, change: Partial<FrameFields>): Promise<void> {
  const block = new Uint8Array(BLOCK_SIZE);
  const fields: FrameFields = {
    type: 'begin',
    sequence: 0,
    epoch: SENDER_EPOCH,
    position: 0,
    streamOffset: 0,
    chainBefore: 0n,
    chainAfter: 0n,
  };
  encodeFrameHeader(block, { ...fields, ...change }, link.seed);
  await disk.device.medium.write(block, disk.superblock.ringStart);
}

async function flip(disk: TestDisk, offset: number): Promise<void> {
  const block = new Uint8Array(BLOCK_SIZE);
  const start = offset - (offset % BLOCK_SIZE);
  await disk.device.medium.read(block, start);
  viewOf(block).setUint8(offset - start, viewOf(block).getUint8(offset - start) ^ 1);
  await disk.device.medium.write(block, start);
}

describe('the ring reader', () => {
  it('reads a torn frame again until its payload is complete', async () => {
    const disk = await testDisk();
    await oneFrame(disk);
    const payload = new Uint8Array(8192);
    const payloadOffset = disk.superblock.ringStart + BLOCK_SIZE;
    await disk.device.medium.read(payload, payloadOffset);
    await disk.device.medium.write(new Uint8Array(8192), payloadOffset);
    const reader = new RingReader(await disk.link('receiver'));
    const next = reader.next();
    disk.clock.after(100, () => void disk.device.medium.write(payload, payloadOffset));
    expect((await next).payload).toEqual(new Uint8Array(5000).fill(1));
  });

  it('reports a frame as torn when its sender never publishes that it is written', async () => {
    const disk = await testDisk();
    const sender = await oneFrame(disk);
    await sender.own.publish({ cursor: 0 });
    await flip(disk, disk.superblock.ringStart + BLOCK_SIZE + 17);
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'TORN',
      message: 'the payload of a frame never became complete',
      details: { offset: disk.superblock.ringStart },
    });
  });

  it('reports a frame as corrupt when its sender has published it and its payload is invalid', async () => {
    const disk = await testDisk();
    await oneFrame(disk);
    await flip(disk, disk.superblock.ringStart + BLOCK_SIZE + 17);
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'FRAME_CORRUPT',
      message: 'a frame on the disk is damaged',
      details: { offset: disk.superblock.ringStart, found: 'a payload that does not match its checksum' },
    });
  });

  it('reports a frame as corrupt when its sender has published it and its header is invalid', async () => {
    const disk = await testDisk();
    await oneFrame(disk);
    await flip(disk, disk.superblock.ringStart + 20);
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'FRAME_CORRUPT',
      details: { found: 'no valid header (bad-checksum)' },
    });
  });

  it('rejects a frame of an earlier sender and reports that no other frame exists', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender', SENDER_EPOCH);
    await sender.own.publish({ phase: 'streaming' });
    await forge(disk, sender, { epoch: 5n });
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'STALE_EPOCH',
      message: 'the disk contains only a frame of an earlier sender',
    });
  });

  it('rejects a frame at the wrong ring position', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender', SENDER_EPOCH);
    await forge(disk, sender, { position: BLOCK_SIZE });
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'MISDIRECTED',
      details: { expected: 'ring position 0', found: 'ring position 4096' },
    });
  });

  it('rejects a sender that overran the ring', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender', SENDER_EPOCH);
    await forge(disk, sender, { position: disk.superblock.ringLength });
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: 'the sender overran the ring',
      details: {
        offset: disk.superblock.ringStart,
        expected: 'frame 0, at ring position 0',
        found: 'a frame of a later lap, written over it',
      },
    });
  });

  it('reports why a sender gave up, and no overrun, when the ring had wrapped before the reader started', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender', SENDER_EPOCH);
    await sender.own.publish({ phase: 'streaming', cursor: 2 * disk.superblock.ringLength });
    await forge(disk, sender, { position: disk.superblock.ringLength });
    const reader = new RingReader(await disk.link('receiver'));
    disk.clock.after(DEFAULT_TIMEOUTS.heartbeatMs, () => {
      void sender.close(new StubferryError('PEER_RESTARTED', 'the receiver was restarted', { where: 'disk' }));
    });
    expect(await refusal(reader.next())).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the sender gave up: PEER_RESTARTED: the receiver was restarted',
    });
  });

  it('rejects a state in tiny frames, whose headers would fill the memory of dom0', async () => {
    const disk = await testDisk({ maxState: 0 });
    const sender = await disk.link('sender', SENDER_EPOCH);
    const block = new Uint8Array(BLOCK_SIZE);
    const superblock = disk.superblock;
    const position = LIMITS.ringSlack;
    const expected = { epoch: SENDER_EPOCH, position, sequence: 0, streamOffset: 0, chain: 0n };
    encodeFrameHeader(block, { ...expected, type: 'begin', chainBefore: 0n, chainAfter: 0n }, sender.seed);
    expect(() => checkHeader(block, expected, superblock, sender.seed, 'disk')).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
    const before = { ...expected, position: position - BLOCK_SIZE };
    encodeFrameHeader(block, { ...before, type: 'begin', chainBefore: 0n, chainAfter: 0n }, sender.seed);
    expect(checkHeader(block, before, superblock, sender.seed, 'disk')).toMatchObject({ type: 'begin' });
  });

  it('skips an unknown optional record and rejects an unknown mandatory one', async () => {
    const unknown = async (optional: boolean): Promise<TestDisk> => {
      const disk = await testDisk();
      const sender = await disk.link('sender', SENDER_EPOCH);
      await forge(disk, sender, { optional });
      const block = new Uint8Array(BLOCK_SIZE);
      await disk.device.medium.read(block, disk.superblock.ringStart);
      viewOf(block).setUint16(4, 77, true);
      const { writeChecksum } = await import('../../../../src/formats/protocol/block.js');
      writeChecksum(block, sender.seed);
      await disk.device.medium.write(block, disk.superblock.ringStart);
      await sender.own.publish({ phase: 'streaming' });
      return disk;
    };
    const mandatory = new RingReader(await (await unknown(false)).link('receiver'));
    expect(await refusal(mandatory.next())).toMatchObject({
      code: 'UNKNOWN_RECORD',
      message: 'a mandatory record of unknown type 77',
    });
    const optional = new RingReader(await (await unknown(true)).link('receiver'));
    expect(await refusal(optional.next())).toMatchObject({ code: 'NO_PROGRESS' });
  });

  it('reports a sender that is alive and has started, but sends no frame', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender');
    await sender.own.publish({ phase: 'streaming' });
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'NO_PROGRESS',
      message: 'the sender is alive but sends nothing',
    });
  });

  it('waits without a limit for a sender that has not started', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender');
    const reader = new RingReader(await disk.link('receiver'));
    const next = reader.next();
    await disk.clock.sleep(40_000);
    await forge(disk, sender, {});
    expect((await next).header.type).toBe('begin');
  });

  it('detects a restarted sender and can read its frames from the beginning', async () => {
    const disk = await testDisk();
    await oneFrame(disk);
    const reader = new RingReader(await disk.link('receiver'));
    expect((await reader.next()).payload.length).toBe(5000);
    const next = refusal(reader.next());
    const restarted = await disk.link('sender', 33n);
    expect(await next).toMatchObject({ code: 'PEER_RESTARTED' });
    await reader.restart();
    await forge(disk, restarted, { epoch: 33n });
    expect((await reader.next()).header.type).toBe('begin');
  });
});
