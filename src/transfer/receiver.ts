/**
 * The receiving side of a transfer: ring -> records -> sink.
 *
 *     ready --BEGIN--> receiving --END checks--> verified --durable--> committed (save), loaded (restore)
 *        ^                 |
 *        '--sender restarted: the sink forgets, the ring begins anew
 *
 * The word `committed` is written only after the sink has made the state durable: what the sender believes is true.
 */

import { located, StubferryError } from '../base/errors/index.js';
import { atMost } from '../base/time/index.js';
import { ACKNOWLEDGEMENT } from '../formats/protocol/control-block.js';
import { type BeginRecord, decodeBegin, decodeEnd, type EndRecord } from '../formats/protocol/records.js';
import { checkEnd, StateDigest } from '../formats/protocol/state-digest.js';
import type { Superblock } from '../formats/protocol/superblock.js';
import { NIL_UUID } from '../formats/protocol/uuid.js';
import { DISCARD_MS, type StateSink } from '../formats/state-sink.js';
import type { TransferCallbacks, TransferSummary } from './progress.js';
import { type IncomingFrame, type Link, PollBackoff, RingReader, ringPlace } from './ring/index.js';
import { WatchedSink } from './watched-sink.js';

/** How long a receiver in the stubdom that has acknowledged stays for dom0 to hear it, milliseconds: the disk stays anyway, and a guest waits. */
const LINGER_MS = 1_000;

/**
 * Receives one state into `sink`. Leaves the link for the caller to close; when it throws, the sink is discarded.
 * @throws StubferryError whatever the sender, the disk or the sink does
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
    // It became durable just when something else went wrong. What is durable is true, and is told as such.
    return work;
  } finally {
    // Here, as work that hangs at its destination never comes to its own end.
    watched.unwatch();
  }
}

/** Whether the sink is rid of the state. A destination that hangs is not waited for: what becomes of it is not known. */
async function discarded(link: Link, sink: StateSink): Promise<boolean> {
  let gone = true;
  const discarding = sink.discard().then((result) => {
    gone = result;
  });
  await atMost(link.clock, DISCARD_MS, discarding);
  return gone;
}

/**
 * Lets the sender hear the acknowledgement: in dom0, which takes the disk away next, for as long as one that lives may be silent. A sender that
 * does not answer is no error.
 */
export async function lingerForSender(link: Link): Promise<void> {
  const pace = new PollBackoff(link.clock, link.writes);
  let over = false;
  const heard = async (): Promise<void> => {
    while (!over && (await link.peer.poll())?.phase !== 'done') await pace.wait();
  };
  await atMost(link.clock, link.takesDisk ? link.timeouts.deadMs : LINGER_MS, heard());
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
  // The link may have failed while the frame came: a sink that was discarded must not begin, nobody would discard it again.
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
      const end = located(device.path, ringPlace(link.superblock, header.position), () =>
        decodeEnd(header.record, begin.sha256),
      );
      checkEnd(end, digest.end(header.chainBefore), device.path);
      const acknowledged = await commit(link, sink, end, reader.position, options);
      return { begin, end, timings: { firstByte, ...acknowledged } };
    }
    if (header.type !== 'data') throw outOfPlace(header.type ?? 'unknown', 'DATA or END', device.path);
    // Both read the same bytes: the sink's writes and our hashing go on side by side.
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
  // The state is whole and checked: from here on the sender is not needed, and its death changes nothing.
  peer.release();
  await own.publish({ phase: 'verified', cursor, streamed: end.stateBytes });
  const verified = clock.now();
  onPhase?.('verified');
  await sink.commit(end);
  const last = ACKNOWLEDGEMENT[superblock.direction];
  // Durable, so this is the truth, and may be heard even if the disk refuses the write or never answers: the heartbeat says it again.
  await atMost(clock, timeouts.deviceMs, own.publish({ phase: last }));
  onPhase?.(last);
  return { end: verified, acknowledged: clock.now() };
}

function beginOf(link: Link, frame: IncomingFrame): BeginRecord {
  const { header } = frame;
  const where = link.device.path;
  if (header.type !== 'begin') throw outOfPlace(header.type ?? 'unknown', 'BEGIN', where);
  const begin = located(where, ringPlace(link.superblock, header.position), () => decodeBegin(header.record));
  return ofTarget(begin, link.superblock, where);
}

/** Whose state it is, says dom0, which wrote the superblock; a sender that says otherwise is refused. */
function ofTarget(begin: BeginRecord, superblock: Superblock, where: string): BeginRecord {
  const { targetUuid, targetDomid, direction } = superblock;
  if (targetUuid === NIL_UUID) return begin;
  if (begin.targetUuid !== NIL_UUID && begin.targetUuid !== targetUuid) {
    throw new StubferryError('WRONG_TARGET', "the state is another target's", {
      where,
      expected: `target ${targetUuid}`,
      found: `target ${begin.targetUuid}`,
    });
  }
  return direction === 'save' ? { ...begin, targetUuid, targetDomid } : begin;
}

function outOfPlace(found: string, expected: string, where: string): StubferryError {
  return new StubferryError('PROTOCOL_VIOLATION', 'a record out of place', {
    where,
    expected,
    found: found.toUpperCase(),
  });
}
