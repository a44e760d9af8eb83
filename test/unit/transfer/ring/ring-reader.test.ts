import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { BLOCK_SIZE, viewOf } from '../../../../src/formats/protocol/block.js';
import { encodeFrameHeader, type FrameFields } from '../../../../src/formats/protocol/frame.js';
import { LIMITS } from '../../../../src/formats/protocol/limits.js';
import { checkHeader } from '../../../../src/transfer/ring/frame-check.js';
import { DEFAULT_TIMEOUTS, type Link, RingReader, RingWriter } from '../../../../src/transfer/ring/index.js';
import { refusal, type TestDisk, testDisk } from '../../../support/ring/disks.js';

const SENDER_EPOCH = 11n;

/** One frame with 5000 bytes, complete on the disk; the sender stays, with this standing. */
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

/** Writes a header block of our making at the start of the ring. */
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

describe('the reader of the ring', () => {
  it('reads a torn frame again until its payload is there', async () => {
    const disk = await testDisk();
    await oneFrame(disk);
    const payload = new Uint8Array(8192);
    const place = disk.superblock.ringStart + BLOCK_SIZE;
    await disk.device.medium.read(payload, place);
    await disk.device.medium.write(new Uint8Array(8192), place);
    const reader = new RingReader(await disk.link('receiver'));
    const next = reader.next();
    disk.clock.after(100, () => void disk.device.medium.write(payload, place));
    expect((await next).payload).toEqual(new Uint8Array(5000).fill(1));
  });

  it('calls a frame torn when its sender never says that it is written', async () => {
    const disk = await testDisk();
    const sender = await oneFrame(disk);
    await sender.own.publish({ cursor: 0 });
    await flip(disk, disk.superblock.ringStart + BLOCK_SIZE + 17);
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'TORN',
      message: 'a frame was announced, but its payload never became complete',
      details: { offset: disk.superblock.ringStart },
    });
  });

  it('calls a frame corrupt when its sender says that it is written, and its payload does not check', async () => {
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

  it('calls a frame corrupt when its sender says that it is written, and its header does not check', async () => {
    const disk = await testDisk();
    await oneFrame(disk);
    await flip(disk, disk.superblock.ringStart + 20);
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'FRAME_CORRUPT',
      details: { found: 'no valid header (bad-checksum)' },
    });
  });

  it('does not take a frame of an earlier sender, and says that there was only that', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender', SENDER_EPOCH);
    await sender.own.publish({ phase: 'streaming' });
    await forge(disk, sender, { epoch: 5n });
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'STALE_EPOCH',
      message: 'only a frame of an earlier sender is there',
    });
  });

  it('refuses a frame that stands at a place that it was not written for', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender', SENDER_EPOCH);
    await forge(disk, sender, { position: BLOCK_SIZE });
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'MISDIRECTED',
      details: { expected: 'ring position 0', found: 'ring position 4096' },
    });
  });

  it('refuses a sender that overran the ring', async () => {
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
        found: 'a frame of a later lap, which was written over it',
      },
    });
  });

  it('hears why a sender gave up whose ring had wrapped before it began, and does not blame it', async () => {
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

  it('refuses a state that comes in crumbs, which would fill dom0 with headers', async () => {
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

  it('passes over an unknown optional record, and refuses an unknown mandatory one', async () => {
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

  it('says that the sender sends nothing when it is alive and began, but no frame comes', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender');
    await sender.own.publish({ phase: 'streaming' });
    const reader = new RingReader(await disk.link('receiver'));
    expect(await refusal(reader.next())).toMatchObject({
      code: 'NO_PROGRESS',
      message: 'the sender is alive but sends nothing',
    });
  });

  it('waits as long as it takes for a sender that has not begun', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender');
    const reader = new RingReader(await disk.link('receiver'));
    const next = reader.next();
    await disk.clock.sleep(40_000);
    await forge(disk, sender, {});
    expect((await next).header.type).toBe('begin');
  });

  it('notices a sender that was restarted, and can follow the new one from its beginning', async () => {
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
