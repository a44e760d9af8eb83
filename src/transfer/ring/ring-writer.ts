/**
 * The sender's end of the ring.
 *
 *     consumed                       position
 *        v                              v
 *     ---[ frames the receiver may read ][ free: ring length - (position - consumed) ]---
 *
 * Positions grow for ever; the place on the disk is position modulo ring length. A frame never wraps: what is left
 * of a lap that is too short for it becomes one padding frame. Nothing is overwritten that the receiver's cursor has
 * not passed, or whose own write has not ended: a reader can see all of a frame before that, when what is still to come is
 * there already (zeros, say), and it would then come over the next frame. Writes are started in order and may end in any
 * order: the receiver checks each frame by itself. Small frames wait for each other until the next turn of the event loop: frame-batch.ts.
 */

import { StubferryError } from '../../base/errors/index.js';
import { EventLoopYield } from '../../base/time/event-loop-yield.js';
import { StallTimer } from '../../base/time/stall-timer.js';
import { BLOCK_SIZE, padded } from '../../formats/protocol/block.js';
import { chainOver, encodeFrameHeader, type FrameType, frameLengthFor } from '../../formats/protocol/frame.js';
import { ringPlace } from './disk-layout.js';
import { matchEpoch } from './epoch-match.js';
import { FrameBatch } from './frame-batch.js';
import { type FrameSlot, makeSlots } from './frame-slot.js';
import type { Link } from './link.js';
import { PollBackoff } from './poll-backoff.js';

/** Frames in memory: one being filled, the others waiting for more or on their way to the disk. */
const SLOTS = 4;

/** A frame to write. Its payload is already in its slot. */
export interface OutgoingFrame {
  readonly type: FrameType;
  readonly payloadLength?: number;
  readonly streamOffset: number;
  readonly record?: Uint8Array;
}

export class RingWriter {
  readonly #link: Link;
  readonly #free: FrameSlot[];
  readonly #waiters: (() => void)[] = [];
  /** Not on its way yet; it begins in {@link #underWay} as those that are. */
  #batch: FrameBatch | undefined;
  /** Where the writes under way begin; a Set iterates in the order of insertion, so the first is the lowest. */
  readonly #underWay = new Set<number>();
  readonly #backoff: PollBackoff;
  readonly #turn: EventLoopYield;
  #error: unknown;
  #position = 0;
  #consumed = 0;
  #sequence = 0;
  #chain = 0n;

  constructor(link: Link) {
    this.#link = link;
    this.#free = makeSlots(SLOTS, link.superblock.maxPayload);
    this.#backoff = new PollBackoff(link.clock, link.writes);
    this.#turn = new EventLoopYield(link.clock);
  }

  /** The chain over all payloads so far. */
  get chain(): bigint {
    return this.#chain;
  }

  /** Bytes of ring that are certainly on the disk. */
  get written(): number {
    for (const position of this.#underWay) return position;
    return this.#position;
  }

  /** A slot to fill; waits for a write to end when all are under way. @throws the error of an earlier write */
  async slot(): Promise<FrameSlot> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const slot = this.#free.pop();
      if (slot !== undefined) return slot;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /**
   * Puts the frame in `slot` on the ring; resolves when its write has begun, or will with the next turn of the event loop. The slot is the
   * writer's from here on.
   * @throws StubferryError NO_PROGRESS when there is no room for too long; what {@link matchEpoch} and {@link PeerMonitor.poll} throw
   */
  async put(slot: FrameSlot, frame: OutgoingFrame): Promise<void> {
    await this.#turn.ifDue();
    this.#link.assertUsable();
    const payloadLength = frame.payloadLength ?? 0;
    const frameLength = frameLengthFor(payloadLength);
    const lapLeft = this.#lapLeft();
    if (frameLength > lapLeft) await this.#pad(lapLeft);
    await this.#room(frameLength);
    const payload = slot.payload.subarray(0, padded(payloadLength)).fill(0, payloadLength);
    const chainAfter = chainOver(payload, this.#chain);
    this.#checksum(slot.header, { ...frame, payloadLength }, frameLength, chainAfter);
    if (frame.type === 'data') this.#chain = chainAfter;
    this.#write(slot.bytes.subarray(0, frameLength), frameLength, slot);
  }

  /** No more frames are coming. */
  close(): void {
    this.#batch = undefined;
  }

  /** Resolves when all frames are on the disk. */
  async drain(): Promise<void> {
    this.#flush();
    while (this.#underWay.size > 0 && this.#error === undefined) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    if (this.#error !== undefined) throw this.#error;
  }

  #lapLeft(): number {
    const { ringLength } = this.#link.superblock;
    return ringLength - (this.#position % ringLength);
  }

  /** Fills the rest of a lap with a padding frame, of which only the header is written. */
  async #pad(lapLeft: number): Promise<void> {
    const slot = await this.slot();
    await this.#room(lapLeft);
    this.#checksum(slot.header, { type: 'padding', payloadLength: 0, streamOffset: 0 }, lapLeft, this.#chain);
    this.#write(slot.bytes.subarray(0, BLOCK_SIZE), lapLeft, slot);
  }

  #checksum(
    header: Uint8Array,
    frame: OutgoingFrame & { readonly payloadLength: number },
    frameLength: number,
    chainAfter: bigint,
  ): void {
    const place = {
      sequence: this.#sequence,
      epoch: this.#link.own.epoch,
      position: this.#position,
      frameLength,
    };
    encodeFrameHeader(header, { ...frame, ...place, chainBefore: this.#chain, chainAfter }, this.#link.seed);
  }

  #write(bytes: Uint8Array, frameLength: number, slot: FrameSlot): void {
    const position = this.#position;
    this.#position += frameLength;
    this.#sequence += 1;
    if (this.#batch?.append(bytes) === true) {
      this.#free.push(slot);
    } else {
      this.#flush();
      this.#underWay.add(position);
      if (FrameBatch.begins(frameLength)) this.#begin(new FrameBatch(slot, position, bytes.length));
      else this.#send(bytes, position, slot);
    }
    // What comes next is at the other end of the ring.
    if (this.#position % this.#link.superblock.ringLength === 0) this.#flush();
  }

  #begin(batch: FrameBatch): void {
    this.#batch = batch;
    const atTurn = async (): Promise<void> => {
      await this.#link.clock.sleep(0);
      if (this.#batch !== batch) return;
      this.#link.assertUsable();
      this.#flush();
    };
    atTurn().catch((error: unknown) => this.#ended(error));
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = undefined;
    if (batch !== undefined) this.#send(batch.bytes, batch.position, batch.slot);
  }

  #send(bytes: Uint8Array, position: number, slot: FrameSlot): void {
    const { device, superblock } = this.#link;
    const done = (error?: unknown): void => {
      this.#underWay.delete(position);
      if (error === undefined) this.#free.push(slot);
      this.#ended(error);
    };
    device.write(bytes, ringPlace(superblock, position)).then(() => done(), done);
  }

  /** Something that was under way has come to its end. */
  #ended(error: unknown): void {
    this.#error ??= error;
    this.#link.own.set({ cursor: this.written });
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Waits until `length` bytes of ring are free. */
  async #room(length: number): Promise<void> {
    const { superblock, timeouts, clock, device } = this.#link;
    if (this.#freeBytes() >= length) return;
    this.#flush();
    const patience = new StallTimer(clock);
    for (;;) {
      if (await this.#lookAtCursor()) patience.renew();
      if (this.#freeBytes() >= length) {
        this.#backoff.reset();
        return;
      }
      if (patience.look() > timeouts.progressMs) {
        throw new StubferryError('NO_PROGRESS', 'the receiver is alive but takes nothing from the ring', {
          where: device.path,
          expected: `its cursor to pass ${this.#position + length - superblock.ringLength} within ${timeouts.progressMs} ms`,
          found: `a cursor of ${this.#consumed}`,
          hint: 'the destination may be slow or stuck; see the log of the receiver',
        });
      }
      await this.#backoff.wait();
    }
  }

  #freeBytes(): number {
    const reusable = Math.min(this.#consumed, this.written);
    return this.#link.superblock.ringLength - (this.#position - reusable);
  }

  /** Takes over the receiver's cursor; true when it moved. */
  async #lookAtCursor(): Promise<boolean> {
    const receiver = await this.#link.peer.poll();
    // Until the receiver follows this epoch, its cursor belongs to an earlier sender.
    if (receiver === undefined || !matchEpoch(this.#link, receiver)) return false;
    const { cursor } = receiver;
    if (cursor < this.#consumed || cursor > this.#position) {
      throw new StubferryError('PROTOCOL_VIOLATION', "the receiver's cursor is impossible", {
        where: this.#link.device.path,
        expected: `${this.#consumed} to ${this.#position}`,
        found: `${cursor}`,
      });
    }
    const moved = cursor > this.#consumed;
    this.#consumed = cursor;
    return moved;
  }
}
