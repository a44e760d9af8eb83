/**
 * The receiver's end of the ring: waits at the expected place until a frame announces itself by checking.
 *
 *        .---- not yet: climb the waiting ladder, look at the sender ----.
 *        v                                                               |
 *     look at the header --ok--> read the rest --chain ok--> the frame   |
 *        |                             |                                 |
 *        '--- nothing, earlier lap ----'--- torn: not all there yet -----'
 */

import { EventLoopYield } from '../../base/time/event-loop-yield.js';
import { BLOCK_SIZE, padded } from '../../formats/protocol/block.js';
import { chainOver, type FrameHeader } from '../../formats/protocol/frame.js';
import { checkHeader, type Expected } from './frame-check.js';
import type { Link } from './link.js';
import { type Missing, MissingFrame } from './missing-frame.js';
import { PollBackoff } from './poll-backoff.js';
import { RingWindows } from './ring-windows.js';

/** Frames shorter than this are not worth reading ahead: most of what would be read is not written yet. */
const READ_AHEAD_FROM = 64 * 1024;

/** The sender's control block is looked at this often while there is no frame, milliseconds. */
const LOOK_AT_SENDER_MS = 50;

/** After so long without a frame the ring is empty, and we are not merely a moment behind, milliseconds. */
const CAUGHT_UP_MS = 1;

/** The cursor is published after this part of the ring, so that the sender seldom waits and we seldom write. */
const PUBLISH_PART = 8;

/** A frame that checked. The payloads are views that are valid until the next call of {@link RingReader.next}. */
export interface IncomingFrame {
  readonly header: FrameHeader;
  /** Without the padding. */
  readonly payload: Uint8Array;
  /** With the padding: whole blocks, as the chain covers it. */
  readonly paddedPayload: Uint8Array;
}

export class RingReader {
  readonly #link: Link;
  readonly #windows: RingWindows;
  readonly #backoff: PollBackoff;
  readonly #turn: EventLoopYield;
  readonly #missing: MissingFrame;
  #expected: Expected | undefined;
  #published = 0;
  #lastLook = Number.NEGATIVE_INFINITY;

  constructor(link: Link) {
    this.#link = link;
    this.#windows = new RingWindows(link.device, link.superblock);
    this.#backoff = new PollBackoff(link.clock, link.writes);
    this.#turn = new EventLoopYield(link.clock);
    this.#missing = new MissingFrame(link);
  }

  /** Ring position up to which all frames were handed out, bytes. */
  get position(): number {
    return this.#expected?.position ?? 0;
  }

  /** Forgets everything and follows the sender that is there now, from the beginning. */
  async restart(): Promise<void> {
    await this.#windows.clear();
    this.#expected = undefined;
    this.#published = 0;
    this.#link.peer.follow(undefined);
  }

  /**
   * The next frame that is not padding and not an unknown optional one. Asking for it says that the one before is
   * no longer needed.
   *
   * @throws StubferryError what {@link checkHeader}, {@link MissingFrame.judge} and {@link PeerMonitor.poll} throw;
   *   PEER_RESTARTED, after which {@link restart} may follow
   */
  async next(): Promise<IncomingFrame> {
    await this.#turn.ifDue();
    this.#link.assertUsable();
    this.#renew();
    await this.#publishCursor(false);
    for (;;) {
      const frame = await this.#look();
      if (typeof frame === 'string') {
        await this.#notYet(frame);
        continue;
      }
      this.#renew();
      this.#link.peer.heard();
      if (frame.header.type !== 'padding' && frame.header.type !== undefined) return frame;
    }
  }

  #renew(): void {
    this.#missing.renew();
    this.#backoff.reset();
  }

  /** One look at the expected place. */
  async #look(): Promise<IncomingFrame | Missing> {
    const { device, superblock, seed } = this.#link;
    this.#expected ??= await this.#followSender();
    const expected = this.#expected;
    if (expected === undefined) return 'blank';
    const block = await this.#windows.look(expected.position, BLOCK_SIZE);
    const header = checkHeader(block, expected, superblock, seed, device.path);
    if (typeof header === 'string') {
      this.#windows.forget();
      return header;
    }
    const length = BLOCK_SIZE + padded(header.payloadLength);
    const paddedPayload = (await this.#windows.whole(expected.position, length)).subarray(BLOCK_SIZE);
    const position = expected.position + header.frameLength;
    if (length >= READ_AHEAD_FROM && device.isSynchronous !== true) this.#windows.readAhead(position, length);
    if (chainOver(paddedPayload, expected.chain) !== header.chainAfter) {
      this.#windows.forget();
      return 'torn';
    }
    const following = { ...expected, position, sequence: expected.sequence + 1 };
    const streamOffset = expected.streamOffset + header.payloadLength;
    this.#expected = header.type === 'data' ? { ...following, streamOffset, chain: header.chainAfter } : following;
    return { header, payload: paddedPayload.subarray(0, header.payloadLength), paddedPayload };
  }

  /** The start of the ring as the sender that is there will write it; undefined while there is none. */
  async #followSender(): Promise<Expected | undefined> {
    const sender = await this.#link.peer.poll();
    if (sender === undefined) return undefined;
    this.#link.peer.follow(sender.epoch);
    await this.#link.own.publish({ peerEpoch: sender.epoch, cursor: 0, streamed: 0 });
    return { epoch: sender.epoch, position: 0, sequence: 0, streamOffset: 0, chain: 0n };
  }

  /** Publishes the cursor when it is due; when nothing flows, whatever there is, or the sender might wait for ever. */
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
    if (clock.now() - this.#lastLook >= LOOK_AT_SENDER_MS) {
      this.#lastLook = clock.now();
      await peer.poll();
    }
    this.#missing.judge(reason, this.#expected, this.#windows.place(this.position));
    await this.#backoff.wait();
  }
}
