/**
 * The parts of the ring that are in our memory.
 *
 *     ring     ...[ frame ][ frame ][ frame ][ not written yet ...
 *                 '------- window -------'
 *                                '---- ahead ----'
 *
 * A window is 32 KiB while we wait, so that a small state comes whole with its first look. While frames are large the next
 * window is being read when a frame is handed out. Two slots, in turn.
 *
 * No byte is read twice: a frame that reaches beyond its window keeps what there is of it, checked already, and gets the
 * rest behind that. What a hostile writer changes after a check is not seen.
 */
import type { BlockDevice } from '../../blockdev-utils/index.js';
import type { Superblock } from '../../formats/protocol/superblock.js';
import { ringPlace } from './disk-layout.js';
import { type FrameSlot, makeSlots } from './frame-slot.js';

/** Bytes of a look at the ring. */
const LOOK = 32 * 1024;

interface Window {
  readonly slot: FrameSlot;
  /** Ring position of its first byte. */
  readonly position: number;
  readonly length: number;
}

interface ReadAhead {
  readonly window: Window;
  readonly done: Promise<void>;
}

export class RingWindows {
  readonly #device: BlockDevice;
  readonly #superblock: Superblock;
  readonly #slots: readonly FrameSlot[];
  #current: Window | undefined;
  #ahead: ReadAhead | undefined;

  constructor(device: BlockDevice, superblock: Superblock) {
    this.#device = device;
    this.#superblock = superblock;
    this.#slots = makeSlots(2, superblock.maxPayload);
  }

  /** Where a ring position is on the disk, bytes. */
  place(position: number): number {
    return ringPlace(this.#superblock, position);
  }

  /** The first `length` bytes (at most a look) from `position`, as they are in memory or else on the disk now. */
  async look(position: number, length: number): Promise<Uint8Array> {
    const there = inWindow(this.#current, position, length);
    if (there !== undefined) return there;
    const ahead = this.#ahead;
    if (ahead !== undefined) {
      await ahead.done;
      this.#ahead = undefined;
      this.#current = ahead.window;
      const read = inWindow(ahead.window, position, length);
      if (read !== undefined) return read;
    }
    const window = this.#windowAt(this.#otherSlot(undefined), position, LOOK);
    await this.#read(window.slot, 0, position, window.length);
    this.#current = window;
    return window.slot.bytes.subarray(0, length);
  }

  /** All `length` bytes from `position`, of which the first were looked at before: those are kept, the others are read. */
  async whole(position: number, length: number): Promise<Uint8Array> {
    const window = this.#current;
    const there = inWindow(window, position, length);
    if (there !== undefined) return there;
    if (window === undefined) throw new RangeError('a frame is looked at before it is read');
    const { slot } = window;
    slot.bytes.copyWithin(0, position - window.position, window.length);
    const have = window.position + window.length - position;
    await this.#read(slot, have, position + have, length - have);
    this.#current = { slot, position, length };
    return slot.bytes.subarray(0, length);
  }

  /** Begins to read what will most likely be looked at next. */
  readAhead(position: number, likely: number): void {
    if (this.#ahead !== undefined) return;
    const window = this.#windowAt(this.#otherSlot(this.#current?.slot), position, likely);
    const done = this.#read(window.slot, 0, position, window.length);
    done.catch(() => undefined);
    this.#ahead = { window, done };
  }

  /** What was looked at did not check: the next look reads it from the disk again. */
  forget(): void {
    this.#current = undefined;
  }

  /** Forgets everything, once nothing is being read any more. */
  async clear(): Promise<void> {
    await this.#ahead?.done.catch(() => undefined);
    this.#ahead = undefined;
    this.#current = undefined;
  }

  #windowAt(slot: FrameSlot, position: number, length: number): Window {
    const { ringLength } = this.#superblock;
    const lapLeft = ringLength - (position % ringLength);
    return { slot, position, length: Math.min(length, lapLeft, slot.bytes.length) };
  }

  #read(slot: FrameSlot, from: number, position: number, length: number): Promise<void> {
    return this.#device.read(slot.bytes.subarray(from, from + length), this.place(position));
  }

  #otherSlot(busy: FrameSlot | undefined): FrameSlot {
    const slot = this.#slots.find((candidate) => candidate !== busy);
    if (slot === undefined) throw new RangeError('two slots are needed');
    return slot;
  }
}

function inWindow(window: Window | undefined, position: number, length: number): Uint8Array | undefined {
  if (window === undefined) return undefined;
  const from = position - window.position;
  return from >= 0 && from + length <= window.length ? window.slot.bytes.subarray(from, from + length) : undefined;
}
