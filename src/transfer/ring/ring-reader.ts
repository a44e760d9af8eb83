/**
 * The receiver's end of the ring: polls the expected position until a valid frame appears.
 *
 *        .---- not yet: wait (poll back-off), poll the sender -----------.
 *        v                                                               |
 *     peek at the header --valid--> read the rest --chain valid--> frame |
 *        |                             |                                 |
 *        '--- nothing, earlier lap ----'--- torn: not yet complete ------'
 */

import { EventLoopYield } from '../../base/time/event-loop-yield.js';
import { BLOCK_SIZE, padded } from '../../formats/protocol/block.js';
import { chainOver, type FrameHeader } from '../../formats/protocol/frame.js';
import { checkHeader, type Expected } from './frame-check.js';
import type { Link } from './link.js';
import { type Missing, MissingFrame } from './missing-frame.js';
import { PollBackoff } from './poll-backoff.js';
import { RingWindows } from './ring-windows.js';

/**
 * Minimum length of a frame for reading ahead, in bytes: behind shorter frames, most of the next bytes are not written
 * yet.
 */
const READ_AHEAD_FROM = 64 * 1024;

/** Interval at which the sender's control block is polled while no frame arrives, in milliseconds. */
const SENDER_POLL_MS = 50;

/**
 * Time without a frame after which the ring counts as empty, and the reader as not merely a moment behind, in
 * milliseconds.
 */
const CAUGHT_UP_MS = 1;

/**
 * The cursor is published after this fraction of the ring, so that the sender seldom waits and the receiver seldom
 * writes.
 */
const PUBLISH_PART = 8;

/** A valid frame. The payloads are views that stay valid until the next call of {@link RingReader.next}. */
export interface IncomingFrame {
  readonly header: FrameHeader;
  /** The payload without the padding. */
  readonly payload: Uint8Array;
  /** The payload with the padding: whole blocks, over which the chain checksum is computed. */
  readonly paddedPayload: Uint8Array;
}

/** Reads frames from the ring, checks them and publishes the receiver's cursor. */
export class RingReader {
  readonly #link: Link;
  readonly #windows: RingWindows;
  readonly #backoff: PollBackoff;
  readonly #yield: EventLoopYield;
  readonly #missing: MissingFrame;
  #expected: Expected | undefined;
  #published = 0;
  #lastSenderPoll = Number.NEGATIVE_INFINITY;

  constructor(link: Link) {
    this.#link = link;
    this.#windows = new RingWindows(link.device, link.superblock);
    this.#backoff = new PollBackoff(link.clock, link.writes);
    this.#yield = new EventLoopYield(link.clock);
    this.#missing = new MissingFrame(link);
  }

  /** Ring position up to which all frames were handed out, in bytes. */
  get position(): number {
    return this.#expected?.position ?? 0;
  }

  /** Drops everything that was read and starts at the beginning of the ring with the sender that is present now. */
  async restart(): Promise<void> {
    await this.#windows.clear();
    this.#expected = undefined;
    this.#published = 0;
    this.#link.peer.expectEpoch(undefined);
  }

  /**
   * Returns the next frame, without padding frames and unknown optional frames. The call also frees the previous frame:
   * its space on the ring may be reused.
   *
   * @throws StubferryError what {@link checkHeader}, {@link MissingFrame.judge} and {@link PeerMonitor.poll} throw;
   * @throws StubferryError PEER_RESTARTED: the caller may continue with {@link restart}
   */
  async next(): Promise<IncomingFrame> {
    await this.#yield.ifDue();
    this.#link.assertUsable();
    this.#renew();
    await this.#publishCursor(false);
    for (;;) {
      const frame = await this.#poll();
      if (typeof frame === 'string') {
        await this.#notYet(frame);
        continue;
      }
      this.#renew();
      this.#link.peer.confirmAlive();
      if (frame.header.type !== 'padding' && frame.header.type !== undefined) return frame;
    }
  }

  #renew(): void {
    this.#missing.renew();
    this.#backoff.reset();
  }

  /** Reads the expected position once. */
  async #poll(): Promise<IncomingFrame | Missing> {
    const { device, superblock, seed } = this.#link;
    this.#expected ??= await this.#adoptSender();
    const expected = this.#expected;
    if (expected === undefined) return 'blank';
    const block = await this.#windows.peek(expected.position, BLOCK_SIZE);
    const header = checkHeader(block, expected, superblock, seed, device.path);
    if (typeof header === 'string') {
      this.#windows.forget();
      return header;
    }
    const length = BLOCK_SIZE + padded(header.payloadLength);
    const paddedPayload = (await this.#windows.readWhole(expected.position, length)).subarray(BLOCK_SIZE);
    const position = expected.position + header.frameLength;
    if (length >= READ_AHEAD_FROM && device.isSynchronous !== true) this.#windows.readAhead(position, length);
    if (chainOver(paddedPayload, expected.chain) !== header.chainAfter) {
      this.#windows.forget();
      return 'torn';
    }
    const next = { ...expected, position, sequence: expected.sequence + 1 };
    const streamOffset = expected.streamOffset + header.payloadLength;
    this.#expected = header.type === 'data' ? { ...next, streamOffset, chain: header.chainAfter } : next;
    return { header, payload: paddedPayload.subarray(0, header.payloadLength), paddedPayload };
  }

  /** Returns the start of the ring as the present sender will write it; undefined while no sender is present. */
  async #adoptSender(): Promise<Expected | undefined> {
    const sender = await this.#link.peer.poll();
    if (sender === undefined) return undefined;
    this.#link.peer.expectEpoch(sender.epoch);
    await this.#link.own.publish({ peerEpoch: sender.epoch, cursor: 0, streamed: 0 });
    return { epoch: sender.epoch, position: 0, sequence: 0, streamOffset: 0, chain: 0n };
  }

  /**
   * Publishes the cursor when enough has been consumed. When no data flows, any progress is published, because the
   * sender might otherwise wait indefinitely.
   */
  async #publishCursor(idle: boolean): Promise<void> {
    if (this.#expected === undefined) return;
    const { position, streamOffset } = this.#expected;
    const unpublished = position - this.#published;
    if (unpublished === 0) return;
    this.#link.own.set({ cursor: position, streamed: streamOffset });
    if (!idle && unpublished < this.#link.superblock.ringLength / PUBLISH_PART) return;
    this.#published = position;
    await this.#link.own.publish();
  }

  async #notYet(reason: Missing): Promise<void> {
    const { clock, peer } = this.#link;
    if (this.#missing.waited() > CAUGHT_UP_MS) await this.#publishCursor(true);
    if (clock.now() - this.#lastSenderPoll >= SENDER_POLL_MS) {
      this.#lastSenderPoll = clock.now();
      await peer.poll();
    }
    this.#missing.judge(reason, this.#expected, this.#windows.offsetOf(this.position));
    await this.#backoff.wait();
  }
}
