/**
 * Writes a local state as a statefile, as a receiver does with a state that arrives over a transfer disk.
 *
 * All frames except the last one have a payload of the same length, so the same state with the same BEGIN record
 * produces the same file, byte for byte.
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

/** The header and the limits of the statefile to write. */
export interface StatefileToWrite {
  readonly header: StatefileHeader;
  readonly begin: BeginRecord;
  /** The payload size of a frame, in bytes. */
  readonly frameBytes: number;
  /** The maximum size of the state, in bytes. */
  readonly maxState: number;
}

/**
 * Writes the state in `source` as a statefile. On failure it leaves no destination behind.
 * @param where the name of the state, for error messages
 * @returns the END record of the statefile
 * @throws StubferryError LIMIT_EXCEEDED: when the state is larger than `maxState`
 * @throws StubferryError: any error of the state or the destination, or the reason of `signal`
 */
export async function writeStatefile(
  source: StateSource,
  open: OpenOutput,
  statefile: StatefileToWrite,
  where: string,
  signal: AbortSignal,
): Promise<EndRecord> {
  const written: { end?: EndRecord } = {};
  await writeWhole(open, signal, async (output) => {
    // The commit of the sink must not publish the file. writeWhole does this, and it can be cancelled until then.
    const sink = new StatefileSink(
      async () => ({ ...withoutCommit, write: (chunks) => output.write(chunks) }),
      statefile.header,
    );
    await sink.begin(statefile.begin);
    written.end = await writeFrames(source, sink, statefile, where);
    await sink.commit(written.end);
  });
  if (written.end === undefined) throw new Error('a statefile without an end');
  return written.end;
}

const withoutCommit = { commit: async (): Promise<void> => undefined, discard: async (): Promise<boolean> => true };

async function writeFrames(
  source: StateSource,
  sink: StatefileSink,
  { begin, frameBytes, maxState }: StatefileToWrite,
  where: string,
): Promise<EndRecord> {
  const digest = new StateDigest(begin.sha256);
  const buffer = new Uint8Array(padded(frameBytes));
  let chain = 0n;
  for (;;) {
    const streamOffset = digest.bytes;
    const count = await readFully(source, buffer.subarray(0, frameBytes));
    if (count === 0) return digest.end(chain);
    if (streamOffset + count > maxState) throw tooLarge(where, maxState);
    const [payload, paddedPayload] = [buffer.subarray(0, count), buffer.subarray(0, padded(count))];
    paddedPayload.fill(0, count);
    const chainBefore = chain;
    chain = chainOver(paddedPayload, chainBefore);
    digest.update(payload);
    await sink.data({ payload, paddedPayload, streamOffset, chainBefore, chainAfter: chain });
    if (count < frameBytes) return digest.end(chain);
  }
}

function tooLarge(where: string, limit: number): StubferryError {
  return new StubferryError('LIMIT_EXCEEDED', 'the state is larger than the limit', {
    where,
    expected: `at most ${limit} bytes`,
    found: 'more',
    hint: 'raise --max-state',
  });
}
