/**
 * The sender's end of the ring.
 *
 *     consumed                       position
 *        v                              v
 *     ---[ frames the receiver may read ][ free: ring length - (position - consumed) ]---
 *
 * Positions only grow; the offset on the disk is position modulo ring length. A frame never wraps: when the rest of a
 * lap is too short for the next frame, the writer fills it with one padding frame. The writer overwrites nothing that
 * the receiver's cursor has not passed, and nothing whose own write has not finished: a reader can see a whole frame
 * before its write finishes, when the bytes that are still to be written are on the disk already (zeros, for example).
 * The late bytes would then overwrite the next frame. Writes start in order and may finish in any order: the receiver
 * checks each frame separately. Small frames wait for each other until the next turn of the event loop: see
 * frame-batch.ts.
 */

import { StubferryError } from '../../base/errors/index.js';
import { EventLoopYield } from '../../base/time/event-loop-yield.js';
import { StallTimer } from '../../base/time/stall-timer.js';
import { BLOCK_SIZE, padded } from '../../formats/protocol/block.js';
import { chainOver, encodeFrameHeader, type FrameType, frameLengthFor } from '../../formats/protocol/frame.js';
import { ringOffset } from './disk-layout.js';
import { matchEpoch } from './epoch-match.js';
import { FrameBatch } from './frame-batch.js';
import { type FrameSlot, makeSlots } from './frame-slot.js';
import type { Link } from './link.js';
import { PollBackoff } from './poll-backoff.js';

/** Frames in memory: one is being filled; the others are waiting for more frames or are being written to the disk. */
const SLOTS = 4;

/** A frame to write. Its payload is already in its slot. */
export interface OutgoingFrame {
  readonly type: FrameType;
  readonly payloadLength?: number;
  /** Offset of the first payload byte, counted from the start of the state. */
  readonly streamOffset: number;
  readonly record?: Uint8Array;
}

/** Writes frames to the ring and limits the sender to the space that the receiver has freed. */
export class RingWriter {
  readonly #link: Link;
  readonly #free: FrameSlot[];
  readonly #waiters: (() => void)[] = [];
  /**
   * Frames whose write has not started. {@link #underWay} contains its position like those of the writes that have
   * started.
   */
  #batch: FrameBatch | undefined;
  /**
   * Positions at which the unfinished writes begin. A Set iterates in the order of insertion, so the first is the
   * lowest.
   */
  readonly #underWay = new Set<number>();
  readonly #backoff: PollBackoff;
  readonly #yield: EventLoopYield;
  #error: unknown;
  #position = 0;
  #consumed = 0;
  #sequence = 0;
  #chain = 0n;

  constructor(link: Link) {
    this.#link = link;
    this.#free = makeSlots(SLOTS, link.superblock.maxPayload);
    this.#backoff = new PollBackoff(link.clock, link.writes);
    this.#yield = new EventLoopYield(link.clock);
  }

  /** The chain checksum over all payloads so far. */
  get chain(): bigint {
    return this.#chain;
  }

  /** Ring position up to which everything is certainly on the disk, in bytes. */
  get written(): number {
    for (const position of this.#underWay) return position;
    return this.#position;
  }

  /**
   * Returns a slot to fill. Waits for a write to finish when all slots are in use.
   * @throws the error of an earlier write
   */
  async slot(): Promise<FrameSlot> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const slot = this.#free.pop();
      if (slot !== undefined) return slot;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /**
   * Puts the frame in `slot` on the ring. Resolves when its write has started, or when the write is scheduled for the
   * next turn of the event loop. The caller must not use the slot afterwards.
   * @throws StubferryError NO_PROGRESS: when the receiver frees no space for too long; what {@link matchEpoch} and
   *   {@link PeerMonitor.poll} throw
   */
  async put(slot: FrameSlot, frame: OutgoingFrame): Promise<void> {
    await this.#yield.ifDue();
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

  /** Discards the frames whose write has not started. Call it after the last frame. */
  close(): void {
    this.#batch = undefined;
  }

  /**
   * Resolves when all frames are on the disk.
   * @throws the error of a write
   */
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

  /** Fills the rest of a lap with a padding frame. Only its header is written. */
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
    const location = {
      sequence: this.#sequence,
      epoch: this.#link.own.epoch,
      position: this.#position,
      frameLength,
    };
    encodeFrameHeader(header, { ...frame, ...location, chainBefore: this.#chain, chainAfter }, this.#link.seed);
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
    // The next frame is at the other end of the ring.
    if (this.#position % this.#link.superblock.ringLength === 0) this.#flush();
  }

  #begin(batch: FrameBatch): void {
    this.#batch = batch;
    const flushLater = async (): Promise<void> => {
      await this.#link.clock.sleep(0);
      if (this.#batch !== batch) return;
      this.#link.assertUsable();
      this.#flush();
    };
    flushLater().catch((error: unknown) => this.#ended(error));
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
    device.write(bytes, ringOffset(superblock, position)).then(() => done(), done);
  }

  /** Handles the end of a write or of a scheduled flush: keeps the error and wakes the waiting callers. */
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
    const stall = new StallTimer(clock);
    for (;;) {
      if (await this.#readCursor()) stall.renew();
      if (this.#freeBytes() >= length) {
        this.#backoff.reset();
        return;
      }
      if (stall.look() > timeouts.progressMs) {
        throw new StubferryError('NO_PROGRESS', 'the receiver is alive but reads nothing from the ring', {
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

  /** Takes over the receiver's cursor; returns true when it has moved. */
  async #readCursor(): Promise<boolean> {
    const receiver = await this.#link.peer.poll();
    // Until the receiver has accepted this epoch, its cursor belongs to an earlier sender.
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
