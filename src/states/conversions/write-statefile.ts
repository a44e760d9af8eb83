/**
 * Writes a statefile of a state that lies here, as a receiver does of one that comes over a disk.
 *
 * Every frame but the last has a payload of the same length, so that the same state with the same BEGIN record gives the
 * same file, byte for byte.
 */

import { StubferryError } from '../../base/errors/index.js';
import type { OpenOutput } from '../../formats/byte-output.js';
import { padded } from '../../formats/protocol/block.js';
import { chainOver } from '../../formats/protocol/frame.js';
import type { BeginRecord, EndRecord } from '../../formats/protocol/records.js';
import { StateDigest } from '../../formats/protocol/state-digest.js';
import { readFully, type StateSource } from '../../formats/state-source.js';
import { type StatefileHeader, StatefileSink } from '../../formats/statefile/index.js';
import { writeWhole } from './write-whole.js';

export interface StatefileToWrite {
  readonly header: StatefileHeader;
  readonly begin: BeginRecord;
  /** Payload of a frame, bytes. */
  readonly frameBytes: number;
  /** Largest state, bytes. */
  readonly maxState: number;
}

/** @throws StubferryError LIMIT_EXCEEDED, and whatever the state or the destination throws; nothing is left behind then */
export async function writeStatefile(
  source: StateSource,
  open: OpenOutput,
  statefile: StatefileToWrite,
  where: string,
  signal: AbortSignal,
): Promise<EndRecord> {
  const written: { end?: EndRecord } = {};
  await writeWhole(open, signal, async (output) => {
    // The sink makes durable what it commits; here that is left to writeWhole, which can be cancelled until then.
    const sink = new StatefileSink(
      async () => ({ ...unfinished, write: (chunks) => output.write(chunks) }),
      statefile.header,
    );
    await sink.begin(statefile.begin);
    written.end = await writeFrames(source, sink, statefile, where);
    await sink.commit(written.end);
  });
  if (written.end === undefined) throw new Error('a statefile without an end');
  return written.end;
}

const unfinished = { commit: async (): Promise<void> => undefined, discard: async (): Promise<boolean> => true };

async function writeFrames(
  source: StateSource,
  sink: StatefileSink,
  { begin, frameBytes, maxState }: StatefileToWrite,
  where: string,
): Promise<EndRecord> {
  const digest = new StateDigest(begin.sha256);
  const room = new Uint8Array(padded(frameBytes));
  let chain = 0n;
  for (;;) {
    const streamOffset = digest.bytes;
    const count = await readFully(source, room.subarray(0, frameBytes));
    if (count === 0) return digest.end(chain);
    if (streamOffset + count > maxState) throw tooLarge(where, maxState);
    const [payload, paddedPayload] = [room.subarray(0, count), room.subarray(0, padded(count))];
    paddedPayload.fill(0, count);
    const chainBefore = chain;
    chain = chainOver(paddedPayload, chainBefore);
    digest.update(payload);
    await sink.data({ payload, paddedPayload, streamOffset, chainBefore, chainAfter: chain });
    if (count < frameBytes) return digest.end(chain);
  }
}

function tooLarge(where: string, limit: number): StubferryError {
  return new StubferryError('LIMIT_EXCEEDED', 'the state is larger than it may be', {
    where,
    expected: `at most ${limit} bytes`,
    found: 'more',
    hint: 'raise --max-state',
  });
}
