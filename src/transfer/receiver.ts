/**
 * The receiving side of a transfer: ring -> records -> sink.
 *
 *     ready --BEGIN--> receiving --END valid--> verified --durable--> committed (save), loaded (restore)
 *        ^                 |
 *        '--sender restarted: the sink discards, and the receiver starts at the beginning of the ring
 *
 * The phase `committed` is written only after the sink has made the state durable, so the sender can rely on it.
 */

import { located, StubferryError } from '../base/errors/index.js';
import { atMost } from '../base/time/index.js';
import { TIMEOUTS } from '../base/time/timeouts.js';
import { ACKNOWLEDGEMENT } from '../formats/protocol/control-block.js';
import { type BeginRecord, decodeBegin, decodeEnd, type EndRecord } from '../formats/protocol/records.js';
import { checkEnd, StateDigest } from '../formats/protocol/state-digest.js';
import type { Superblock } from '../formats/protocol/superblock.js';
import { NIL_UUID } from '../formats/protocol/uuid.js';
import type { StateSink } from '../formats/state-sink.js';
import type { TransferCallbacks, TransferSummary } from './progress.js';
import { type IncomingFrame, type Link, PollBackoff, RingReader, ringOffset } from './ring/index.js';
import { WatchedSink } from './watched-sink.js';

/**
 * Receives one state into `sink`. The caller closes the link; when this function throws, the sink has been discarded.
 * @throws StubferryError any error of the sender, the disk or the sink
 */
export async function receiveState(
  link: Link,
  sink: StateSink,
  options: TransferCallbacks = {},
): Promise<TransferSummary> {
  const watched = new WatchedSink(sink, link);
  const work = untilCommitted(link, watched, options);
  try {
    return await link.guard(work);
  } catch (error) {
    if (await discarded(link, sink)) throw error;
    // The state became durable while something else failed. A durable state is reported as success.
    return work;
  } finally {
    // The timer stops here, because work that hangs at its destination never finishes.
    watched.unwatch();
  }
}

/**
 * Whether the sink has discarded the state. The function does not wait longer than TIMEOUTS.discard for a destination
 * that hangs; the fate of such a state is unknown.
 */
async function discarded(link: Link, sink: StateSink): Promise<boolean> {
  let isDiscarded = true;
  const discarding = sink.discard().then((result) => {
    isDiscarded = result;
  });
  await atMost(link.clock, TIMEOUTS.discard, discarding);
  return isDiscarded;
}

/**
 * Waits until the sender has read the acknowledgement. In dom0, which removes the disk next, the wait lasts as long as
 * a live sender may be silent. A sender that does not react is not an error.
 */
export async function lingerForSender(link: Link): Promise<void> {
  const backoff = new PollBackoff(link.clock, link.writes);
  let over = false;
  const untilDone = async (): Promise<void> => {
    while (!over && (await link.peer.poll())?.phase !== 'done') await backoff.wait();
  };
  await atMost(link.clock, link.removesDisk ? link.timeouts.deadMs : TIMEOUTS.linger, untilDone());
  over = true;
}

async function untilCommitted(link: Link, sink: StateSink, options: TransferCallbacks): Promise<TransferSummary> {
  const reader = new RingReader(link);
  for (;;) {
    try {
      return await receiveOnce(link, reader, sink, options);
    } catch (error) {
      const restarted = error instanceof StubferryError && error.code === 'PEER_RESTARTED';
      if (!restarted || link.failed) throw error;
      await sink.discard();
      await reader.restart();
      link.own.set({ phase: 'ready' });
    }
  }
}

async function receiveOnce(
  link: Link,
  reader: RingReader,
  sink: StateSink,
  options: TransferCallbacks,
): Promise<TransferSummary> {
  const { clock, device, own } = link;
  const first = await reader.next();
  // The link may have failed while the frame was being read. A sink that was discarded must not begin, because nobody
  // would discard it again.
  link.assertUsable();
  const firstByte = clock.now();
  const begin = beginOf(link, first);
  own.set({ phase: 'receiving' });
  options.onPhase?.('receiving');
  await sink.begin(begin);
  const digest = new StateDigest(begin.sha256);
  for (;;) {
    const { header, payload, paddedPayload } = await reader.next();
    if (header.type === 'end') {
      const end = located(device.path, ringOffset(link.superblock, header.position), () =>
        decodeEnd(header.record, begin.sha256),
      );
      checkEnd(end, digest.end(header.chainBefore), device.path);
      const acknowledged = await commit(link, sink, end, reader.position, options);
      return { begin, end, timings: { firstByte, ...acknowledged } };
    }
    if (header.type !== 'data') throw unexpectedRecord(header.type ?? 'unknown', 'DATA or END', device.path);
    // Both read the same bytes: the writes of the sink and the hashing run in parallel.
    const { streamOffset, chainBefore, chainAfter } = header;
    const frame = { payload, paddedPayload, streamOffset, chainBefore, chainAfter };
    const stored = sink.data(frame);
    digest.update(payload);
    await stored;
    options.onProgress?.(digest.bytes, digest.frames);
  }
}

async function commit(
  link: Link,
  sink: StateSink,
  end: EndRecord,
  cursor: number,
  { onPhase }: TransferCallbacks,
): Promise<{ end: number; acknowledged: number }> {
  link.assertUsable();
  const { clock, own, peer, superblock, timeouts } = link;
  // The state is complete and verified: from here on the sender is not required, and its death changes nothing.
  peer.release();
  await own.publish({ phase: 'verified', cursor, streamed: end.stateBytes });
  const verified = clock.now();
  onPhase?.('verified');
  await sink.commit(end);
  const last = ACKNOWLEDGEMENT[superblock.direction];
  // The state is durable, so the acknowledgement is true even if the disk refuses this write or never answers it. The
  // heartbeat repeats it.
  await atMost(clock, timeouts.deviceMs, own.publish({ phase: last }));
  onPhase?.(last);
  return { end: verified, acknowledged: clock.now() };
}

function beginOf(link: Link, frame: IncomingFrame): BeginRecord {
  const { header } = frame;
  const where = link.device.path;
  if (header.type !== 'begin') throw unexpectedRecord(header.type ?? 'unknown', 'BEGIN', where);
  const begin = located(where, ringOffset(link.superblock, header.position), () => decodeBegin(header.record));
  return ofTarget(begin, link.superblock, where);
}

/** Applies the target from the superblock, which dom0 wrote, and rejects a sender that names another target. */
function ofTarget(begin: BeginRecord, superblock: Superblock, where: string): BeginRecord {
  const { targetUuid, targetDomid, direction } = superblock;
  if (targetUuid === NIL_UUID) return begin;
  if (begin.targetUuid !== NIL_UUID && begin.targetUuid !== targetUuid) {
    throw new StubferryError('WRONG_TARGET', 'the state belongs to another target', {
      where,
      expected: `target ${targetUuid}`,
      found: `target ${begin.targetUuid}`,
    });
  }
  return direction === 'save' ? { ...begin, targetUuid, targetDomid } : begin;
}

function unexpectedRecord(found: string, expected: string, where: string): StubferryError {
  return new StubferryError('PROTOCOL_VIOLATION', 'unexpected record', {
    where,
    expected,
    found: found.toUpperCase(),
  });
}
