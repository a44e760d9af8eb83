/**
 * The sending side of a transfer: source -> records -> ring.
 *
 *     ready --first byte--> streaming --END--> sent --COMMITTED or LOADED received--> done
 *
 * The state counts as transferred only when the receiver acknowledges it: only then does {@link sendState} resolve.
 * After any error the receiver gets the reason and discards what it has received.
 */

import { StubferryError } from '../base/errors/index.js';
import { type BeginRecord, encodeBegin, encodeEnd } from '../formats/protocol/records.js';
import { StateDigest } from '../formats/protocol/state-digest.js';
import type { StateSource } from '../formats/state-source.js';
import { untilAcknowledged } from './acknowledgement.js';
import type { Timings, TransferCallbacks, TransferSummary } from './progress.js';
import { type Link, PollBackoff, RingWriter } from './ring/index.js';

/** A state that can be sent: its first bytes have arrived and identify it. */
export interface StateToSend {
  readonly source: StateSource;
  readonly begin: BeginRecord;
}

/**
 * Sends the whole state that `open` resolves to; `open` may wait for the first bytes without a limit. The caller closes
 * the link and the source.
 *
 * @throws StubferryError any error of the source, the disk or the receiver
 */
export function sendState(
  link: Link,
  open: () => Promise<StateToSend>,
  options: TransferCallbacks = {},
): Promise<TransferSummary> {
  return link.guard(stream(link, open, options));
}

async function stream(
  link: Link,
  open: () => Promise<StateToSend>,
  options: TransferCallbacks,
): Promise<TransferSummary> {
  const writer = new RingWriter(link);
  try {
    const { begin, end, timings } = await untilSent(link, writer, open, options);
    await untilAcknowledged(link);
    return { begin, end, timings: { ...timings, acknowledged: link.clock.now() } };
  } finally {
    writer.close();
  }
}

/** Resolves when a receiver is present. The source is opened only afterwards: opening it may stop a guest. */
async function untilReceiver(link: Link): Promise<void> {
  const backoff = new PollBackoff(link.clock, link.writes);
  while ((await link.peer.poll()) === undefined) await backoff.wait();
}

/** Puts the whole state on the ring. */
async function untilSent(
  link: Link,
  writer: RingWriter,
  open: () => Promise<StateToSend>,
  options: TransferCallbacks,
): Promise<Omit<TransferSummary, 'timings'> & { timings: Omit<Timings, 'acknowledged'> }> {
  const { superblock, clock } = link;
  await untilReceiver(link);
  const { source, begin } = await open();
  const firstByte = clock.now();
  const digest = new StateDigest(begin.sha256);
  link.own.set({ phase: 'streaming' });
  options.onPhase?.('streaming');
  await writer.put(await writer.slot(), { type: 'begin', streamOffset: 0, record: encodeBegin(begin) });

  let slot = await writer.slot();
  let length = await source.read(slot.payload);
  while (length > 0) {
    const streamOffset = digest.bytes;
    if (streamOffset + length > superblock.maxState) throw tooLarge(link);
    digest.update(slot.payload.subarray(0, length));
    await writer.put(slot, { type: 'data', payloadLength: length, streamOffset });
    link.own.set({ streamed: digest.bytes });
    options.onProgress?.(digest.bytes, digest.frames);
    slot = await writer.slot();
    length = await source.read(slot.payload);
  }

  const end = digest.end(writer.chain);
  await writer.put(slot, { type: 'end', streamOffset: digest.bytes, record: encodeEnd(end) });
  await writer.drain();
  await link.own.publish({ phase: 'sent', cursor: writer.written });
  options.onPhase?.('sent');
  return { begin, end, timings: { firstByte, end: clock.now() } };
}

function tooLarge(link: Link): StubferryError {
  return new StubferryError('LIMIT_EXCEEDED', 'the state is larger than the superblock allows', {
    where: link.device.path,
    expected: `at most ${link.superblock.maxState} bytes`,
    found: 'more',
    hint: 'raise --max-state on the dom0 side',
  });
}
