/** Statefiles that the sink writes from a state in memory. */
import { BLOCK_SIZE, padded } from '../../../src/formats/protocol/block.js';
import { chainOver } from '../../../src/formats/protocol/frame.js';
import type { BeginRecord } from '../../../src/formats/protocol/records.js';
import { StateDigest } from '../../../src/formats/protocol/state-digest.js';
import type { StateSink } from '../../../src/formats/state-sink.js';
import { type StatefileHeader, StatefileSink } from '../../../src/formats/statefile/index.js';
import { MemoryOutput } from '../io/memory-output.js';

export const HEADER: StatefileHeader = {
  transferUuid: '00112233-4455-6677-8899-aabbccddeeff',
  writer: 'stubferry 0.1.0',
};

export const BEGIN: BeginRecord = {
  kind: 'opaque',
  targetUuid: 'f0e0d0c0-b0a0-4090-8070-605040302010',
  targetDomid: 7,
  qemuVersion: '7.2.22',
  machineType: 'xenfv',
  stubferryVersion: '0.1.0',
  createdMs: 1763762645123,
  sha256: true,
};

/** Calls `sink` as a receiver does: BEGIN, `state` in frames of at most `frameBytes`, END. */
export async function feed(
  sink: StateSink,
  state: Uint8Array,
  frameBytes = 65536,
  begin: BeginRecord = BEGIN,
): Promise<void> {
  await sink.begin(begin);
  const digest = new StateDigest(begin.sha256);
  let chainBefore = 0n;
  for (let streamOffset = 0; streamOffset < state.length; streamOffset += frameBytes) {
    const payload = state.subarray(streamOffset, streamOffset + frameBytes);
    const paddedPayload = new Uint8Array(padded(payload.length));
    paddedPayload.set(payload);
    const chainAfter = chainOver(paddedPayload, chainBefore);
    await sink.data({ payload, paddedPayload, streamOffset, chainBefore, chainAfter });
    digest.update(payload);
    chainBefore = chainAfter;
  }
  await sink.commit(digest.end(chainBefore));
}

/** Returns the bytes of a statefile that contains `state`. */
export async function statefileOf(state: Uint8Array, frameBytes?: number, begin?: BeginRecord): Promise<Uint8Array> {
  const output = new MemoryOutput();
  await feed(new StatefileSink(async () => output, HEADER), state, frameBytes, begin);
  return output.bytes;
}

/** Returns the length of a statefile whose data frames have these payload lengths, in bytes. */
export function statefileBytes(payloadLengths: readonly number[]): number {
  const data = payloadLengths.reduce((sum, length) => sum + BLOCK_SIZE + padded(length), 0);
  const index = BLOCK_SIZE + padded(16 * payloadLengths.length);
  return 2 * BLOCK_SIZE + data + BLOCK_SIZE + index + BLOCK_SIZE;
}

/** Returns a state in which no two blocks are equal. */
export function sampleState(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index += 1) words[index] = Math.imul(index + 1, 0x9e3779b1);
  return new Uint8Array(words.buffer, 0, length);
}
