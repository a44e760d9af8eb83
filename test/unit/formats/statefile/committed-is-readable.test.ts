/**
 * Every statefile that a receiver commits can be read back, whatever the sender writes to the disk. The rules of the
 * ring and of the statefile must therefore be the same.
 */
import { describe, expect, it } from '@jest/globals';
import { BLOCK_SIZE, padded, viewOf, writeChecksum } from '../../../../src/formats/protocol/block.js';
import {
  chainOver,
  encodeFrameHeader,
  type FrameType,
  frameLengthFor,
} from '../../../../src/formats/protocol/frame.js';
import { type BeginRecord, encodeBegin, encodeEnd } from '../../../../src/formats/protocol/records.js';
import { StateDigest } from '../../../../src/formats/protocol/state-digest.js';
import { StatefileSink } from '../../../../src/formats/statefile/index.js';
import { receiveState } from '../../../../src/transfer/index.js';
import { MemoryOutput } from '../../../support/io/memory-output.js';
import { refusal, testDisk } from '../../../support/ring/disks.js';
import { readBack } from '../../../support/statefile/reading.js';
import { BEGIN, HEADER, sampleState } from '../../../support/statefile/written-statefile.js';

interface Outgoing {
  readonly type: FrameType;
  readonly payload?: Uint8Array;
  readonly record?: Uint8Array;
  /** Whether the frame is sent as an optional frame of an unknown type. */
  readonly unknown?: boolean;
}

const STATE = sampleState(100);
const DATA: Outgoing = { type: 'data', payload: STATE };

/** Writes BEGIN, `frames` and END to a disk, and receives them as a statefile. */
async function committed(
  begin: BeginRecord,
  frames: readonly Outgoing[],
  beginPayload?: Uint8Array,
): Promise<Uint8Array> {
  const disk = await testDisk();
  const sender = await disk.link('sender');
  const digest = new StateDigest(begin.sha256);
  let [position, sequence, chain] = [0, 0, 0n];
  const put = async ({ type, payload = new Uint8Array(0), record, unknown = false }: Outgoing): Promise<void> => {
    const bytes = new Uint8Array(frameLengthFor(payload.length));
    const header = bytes.subarray(0, BLOCK_SIZE);
    const paddedPayload = bytes.subarray(BLOCK_SIZE, BLOCK_SIZE + padded(payload.length));
    paddedPayload.set(payload);
    const chainAfter = chainOver(paddedPayload, chain);
    const location = { sequence, epoch: sender.own.epoch, position, streamOffset: digest.bytes };
    const fields = { type, payloadLength: payload.length, ...location, chainBefore: chain, chainAfter };
    encodeFrameHeader(header, record === undefined ? fields : { ...fields, record }, sender.seed);
    if (unknown) {
      viewOf(header).setUint16(4, 99, true);
      viewOf(header).setUint16(6, 1, true);
      writeChecksum(header, sender.seed);
    } else if (type === 'data') {
      digest.update(payload);
      chain = chainAfter;
    }
    await disk.device.medium.write(bytes, disk.superblock.ringStart + position);
    position += bytes.length;
    sequence += 1;
  };
  await put({
    type: 'begin',
    record: encodeBegin(begin),
    ...(beginPayload === undefined ? {} : { payload: beginPayload }),
  });
  for (const frame of frames) await put(frame);
  await put({ type: 'end', record: encodeEnd(digest.end(chain)) });
  await sender.own.publish({ phase: 'sent', cursor: position });
  const output = new MemoryOutput();
  await receiveState(await disk.link('receiver'), new StatefileSink(async () => output, HEADER));
  return output.bytes;
}

describe('a statefile that a receiver commits', () => {
  it.each<[string, BeginRecord, readonly Outgoing[]]>([
    ['an ordinary state', BEGIN, [DATA]],
    ['control characters in a text of BEGIN', { ...BEGIN, stubferryVersion: '\u0001'.repeat(256) }, [DATA]],
    [
      'an unknown optional record with a payload',
      BEGIN,
      [{ type: 'data', unknown: true, payload: sampleState(10) }, DATA],
    ],
  ])('can be read back: %s', async (_, begin, frames) => {
    const file = await committed(begin, frames);
    expect((await readBack(file)).state.equals(STATE)).toBe(true);
  });

  it.each<[string, readonly Outgoing[], Uint8Array | undefined]>([
    ['an empty DATA frame', [{ type: 'data' }, DATA], undefined],
    ['a payload of BEGIN', [DATA], new Uint8Array(10)],
  ])('never contains what a statefile does not allow: %s', async (_, frames, beginPayload) => {
    expect(await refusal(committed(BEGIN, frames, beginPayload))).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: 'frame: lengths contradict each other',
    });
  });
});
