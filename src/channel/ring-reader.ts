/**
 * The receiver's end of the ring: waits at the expected place until a frame announces itself by checking.
 *
 *        .---- not yet: climb the waiting ladder, look at the sender ----.
 *        v                                                               |
 *     read header --ok--> read the rest --chain ok--> the frame      ----'
 *                              |                                     ^
 *                              '---- torn: payload not there yet ----'
 *
 * Everything is read once into memory of our own and checked there. What is read is a window: 32 KiB while we wait, so
 * that a small state comes whole with its first look; as long as the last frame while frames are large, and then the next
 * window is already being read when a frame is handed out. Two slots, in turn.
 */
import { BLOCK_SIZE, padded } from '../codec/block.js';
import { chainOver, type FrameHeader } from '../codec/frame.js';
import { StubferryError } from '../errors/index.js';
import { checkHeader, type Expected, type NotYet } from './frame-check.js';
import { type FrameSlot, makeSlots } from './frame-slot.js';
import type { Link } from './link.js';
import { Pace } from './pace.js';
import { Patience } from './patience.js';

/** Bytes of a look at the ring. */
const WINDOW = 32 * 1024;

/** Frames shorter than this are not worth reading ahead: most of what would be read is not written yet. */
const READ_AHEAD_FROM = 64 * 1024;

/** The sender's control block is looked at this often while there is no frame, milliseconds. */
const LOOK_AT_SENDER_MS = 50;

/** After so long without a frame the ring is empty, and we are not merely a moment behind, milliseconds. */
const CAUGHT_UP_MS = 1;

/** The cursor is published after this part of the ring, so that the sender seldom waits and we seldom write. */
const PUBLISH_PART = 8;

/** A frame that checked. The views are valid until the next call of {@link RingReader.next}. */
export interface IncomingFrame {
  readonly header: FrameHeader;
  /** Without the padding. */
  readonly payload: Uint8Array;
  /** With the padding: whole blocks, as the chain covers it. */
  readonly paddedPayload: Uint8Array;
}

/** A part of the ring in one of our slots. */
interface Window {
  readonly slot: FrameSlot;
  /** Ring position of its first byte. */
  readonly position: number;
  readonly length: number;
  /** Settles when it has been read. */
  readonly done: Promise<void>;
}

export class RingReader {
  readonly #link: Link;
  readonly #slots: FrameSlot[];
  readonly #pace: Pace;
  readonly #patience: Patience;
  #expected: Expected | undefined;
  /** What is being looked at, and what is being read ahead. */
  #window: Window | undefined;
  #ahead: Window | undefined;
  #published = 0;
  #lastLook = Number.NEGATIVE_INFINITY;
  #unsettled: Patience | undefined;

  constructor(link: Link) {
    this.#link = link;
    this.#slots = makeSlots(2, link.superblock.maxPayload);
    this.#pace = new Pace(link.clock, link.device);
    this.#patience = new Patience(link.clock);
  }

  /** Ends a wait that was left behind. */
  close(): void {
    this.#pace.reset();
  }

  /** Forgets everything and follows the sender that is there now, from the beginning. */
  async restart(): Promise<void> {
    await this.#ahead?.done.catch(() => undefined);
    this.#ahead = undefined;
    this.#window = undefined;
    this.#expected = undefined;
    this.#published = 0;
    this.#link.peer.follow(undefined);
  }

  /**
   * The next frame that is not padding and not an unknown optional one. Asking for it says that the one before is
   * no longer needed.
   *
   * @throws StubferryError what {@link checkHeader} and {@link PeerWatch.poll} throw; TORN, FRAME_CORRUPT, STALE_EPOCH,
   *   NO_PROGRESS; PEER_RESTARTED, after which {@link restart} may follow
   */
  async next(): Promise<IncomingFrame> {
    this.#link.assertUsable();
    this.#patience.renew();
    this.#pace.reset();
    this.#unsettled = undefined;
    await this.#publishCursor(false);
    for (;;) {
      const frame = await this.#look();
      if (typeof frame === 'string') {
        await this.#notYet(frame);
        continue;
      }
      this.#link.peer.heard();
      if (frame.header.type !== 'padding' && frame.header.type !== undefined) return frame;
    }
  }

  /** One look at the expected place. */
  async #look(): Promise<IncomingFrame | NotYet | 'torn'> {
    const { device, superblock, seed } = this.#link;
    this.#expected ??= await this.#followSender();
    const expected = this.#expected;
    if (expected === undefined) return 'blank';
    const window = await this.#windowOver(expected.position, BLOCK_SIZE, WINDOW);
    const header = checkHeader(
      bytesAt(window, expected.position, BLOCK_SIZE),
      expected,
      superblock,
      seed,
      device.path,
    );
    if (typeof header === 'string') {
      this.#window = undefined;
      return header;
    }
    const length = BLOCK_SIZE + padded(header.payloadLength);
    const whole = await this.#windowOver(expected.position, length, length);
    const bytes = bytesAt(whole, expected.position, length);
    const next = {
      ...expected,
      position: expected.position + header.frameLength,
      sequence: expected.sequence + 1,
    };
    if (length >= READ_AHEAD_FROM) this.#readAhead(whole.slot, next.position, length);
    const paddedPayload = bytes.subarray(BLOCK_SIZE);
    if (chainOver(paddedPayload, expected.chain) !== header.chainAfter) {
      this.#window = undefined;
      return 'torn';
    }
    const streamOffset = expected.streamOffset + (header.type === 'data' ? header.payloadLength : 0);
    this.#expected = { ...next, chain: header.chainAfter, streamOffset };
    this.#patience.renew();
    this.#pace.reset();
    this.#unsettled = undefined;
    return { header, payload: paddedPayload.subarray(0, header.payloadLength), paddedPayload };
  }

  /** The window with the `least` bytes from `position`: one that is there, the one read ahead, or a new one of `length`. */
  async #windowOver(position: number, least: number, length: number): Promise<Window> {
    const current = this.#window;
    if (current !== undefined && covers(current, position, least)) return current;
    const ahead = this.#ahead;
    if (ahead !== undefined) {
      await ahead.done;
      this.#ahead = undefined;
      if (covers(ahead, position, least)) {
        this.#window = ahead;
        return ahead;
      }
    }
    const window = this.#read(this.#otherSlot(ahead?.slot), position, length);
    await window.done;
    this.#window = window;
    return window;
  }

  #read(slot: FrameSlot, position: number, length: number): Window {
    const { device, superblock } = this.#link;
    const lapLeft = superblock.ringLength - (position % superblock.ringLength);
    const bounded = Math.min(length, lapLeft, slot.bytes.length);
    const done = device.read(slot.bytes.subarray(0, bounded), this.#place(position));
    done.catch(() => undefined);
    return { slot, position, length: bounded, done };
  }

  /** Reads the window that will most likely be asked for next, unless one is under way. */
  #readAhead(busy: FrameSlot, position: number, likely: number): void {
    this.#ahead ??= this.#read(this.#otherSlot(busy), position, likely);
  }

  #otherSlot(busy: FrameSlot | undefined): FrameSlot {
    const slot = this.#slots.find((candidate) => candidate !== busy);
    if (slot === undefined) throw new RangeError('a ring reader needs two slots');
    return slot;
  }

  #place(position: number): number {
    const { ringStart, ringLength } = this.#link.superblock;
    return ringStart + (position % ringLength);
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

  async #notYet(reason: NotYet | 'torn'): Promise<void> {
    const { clock, peer, timeouts } = this.#link;
    const waited = this.#patience.look();
    if (waited > CAUGHT_UP_MS) await this.#publishCursor(true);
    if (clock.now() - this.#lastLook >= LOOK_AT_SENDER_MS) {
      this.#lastLook = clock.now();
      await peer.poll();
    }
    this.#settle(reason);
    // A sender that is connected but has nothing to say yet is no lack of progress: the source may wait for a person.
    const begun = peer.control !== undefined && peer.control.phase !== 'ready';
    if (!begun && reason !== 'torn') this.#patience.renew();
    if (waited > timeouts.progressMs) throw this.#stuck(reason, timeouts.progressMs);
    await this.#pace.wait();
  }

  /** A frame that its writer says is complete, and that still does not check after a while, is damaged. */
  #settle(reason: NotYet | 'torn'): void {
    const { clock, peer, timeouts, device } = this.#link;
    const expected = this.#expected;
    const written = expected !== undefined && (peer.control?.cursor ?? 0) > expected.position;
    if (expected === undefined || !written || peer.control?.epoch !== expected.epoch) {
      this.#unsettled = undefined;
      return;
    }
    this.#unsettled ??= new Patience(clock);
    if (this.#unsettled.look() <= timeouts.settleMs) return;
    throw new StubferryError('FRAME_CORRUPT', 'a frame on the disk is damaged', {
      where: device.path,
      offset: this.#place(expected.position),
      expected: `frame ${expected.sequence}, which the sender has completely written`,
      found: reason === 'torn' ? 'a payload that does not match its checksum' : `no valid header (${reason})`,
      hint: 'the storage between the agents changed it; look for I/O errors, then start the transfer again',
    });
  }

  #stuck(reason: NotYet | 'torn', limit: number): StubferryError {
    const where = this.#link.device.path;
    const offset = this.#expected === undefined ? undefined : this.#place(this.#expected.position);
    if (reason === 'torn') {
      return new StubferryError('TORN', 'a frame was announced, but its payload never became complete', {
        where,
        offset,
        found: `a payload that does not match its header after ${limit} ms`,
      });
    }
    if (reason === 'other-epoch') {
      return new StubferryError('STALE_EPOCH', 'only a frame of an earlier sender is there', {
        where,
        offset,
      });
    }
    return new StubferryError('NO_PROGRESS', 'the sender is alive but sends nothing', {
      where,
      offset,
      expected: `a frame within ${limit} ms`,
      found: reason,
      hint: "the sender's source may be stuck; see the log of the sender",
    });
  }
}

function covers(window: Window, position: number, length: number): boolean {
  return position >= window.position && position + length <= window.position + window.length;
}

function bytesAt(window: Window, position: number, length: number): Uint8Array {
  const from = position - window.position;
  return window.slot.bytes.subarray(from, from + length);
}
