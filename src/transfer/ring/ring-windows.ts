/**
 * The parts of the ring that are in memory.
 *
 *     ring     ...[ frame ][ frame ][ frame ][ not written yet ...
 *                 '------- window -------'
 *                                '---- ahead ----'
 *
 * A window is 32 KiB while the reader waits, so that the first read of a small state returns the whole state. While
 * frames are large, the next window is read in the background when a frame is handed out. The windows use two slots in
 * turn.
 *
 * No byte is read twice: when a frame extends beyond its window, its first part, which is checked already, stays in
 * memory, and only the rest is read. So a hostile writer cannot change bytes after they were checked.
 */
import type { BlockDevice } from '../../blockdev-utils/index.js';
import type { Superblock } from '../../formats/protocol/superblock.js';
import { ringOffset } from './disk-layout.js';
import { type FrameSlot, makeSlots } from './frame-slot.js';

/** Bytes of one read while the reader waits for a frame. */
const PEEK_LENGTH = 32 * 1024;

interface Window {
  readonly slot: FrameSlot;
  /** Ring position of the first byte. */
  readonly position: number;
  readonly length: number;
}

interface ReadAhead {
  readonly window: Window;
  readonly done: Promise<void>;
}

/** Reads the ring through two memory windows. */
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

  /** Offset of a ring position on the disk, in bytes. */
  offsetOf(position: number): number {
    return ringOffset(this.#superblock, position);
  }

  /**
   * Returns the first `length` bytes from `position`, from memory or else from the disk.
   * @param length at most 32 KiB
   * @throws StubferryError DISK_IO
   */
  async peek(position: number, length: number): Promise<Uint8Array> {
    const present = inWindow(this.#current, position, length);
    if (present !== undefined) return present;
    const ahead = this.#ahead;
    if (ahead !== undefined) {
      await ahead.done;
      this.#ahead = undefined;
      this.#current = ahead.window;
      const read = inWindow(ahead.window, position, length);
      if (read !== undefined) return read;
    }
    const window = this.#windowAt(this.#otherSlot(undefined), position, PEEK_LENGTH);
    await this.#read(window.slot, 0, position, window.length);
    this.#current = window;
    return window.slot.bytes.subarray(0, length);
  }

  /**
   * Returns all `length` bytes from `position`. {@link peek} must have returned the first of them before; those are
   * kept, and the others are read.
   * @throws StubferryError DISK_IO
   */
  async readWhole(position: number, length: number): Promise<Uint8Array> {
    const window = this.#current;
    const present = inWindow(window, position, length);
    if (present !== undefined) return present;
    if (window === undefined) throw new RangeError('the header of a frame must be read before the frame');
    const { slot } = window;
    slot.bytes.copyWithin(0, position - window.position, window.length);
    const kept = window.position + window.length - position;
    await this.#read(slot, kept, position + kept, length - kept);
    this.#current = { slot, position, length };
    return slot.bytes.subarray(0, length);
  }

  /**
   * Starts to read the bytes that the next {@link peek} will most likely need.
   * @param likely the number of bytes
   */
  readAhead(position: number, likely: number): void {
    if (this.#ahead !== undefined) return;
    const window = this.#windowAt(this.#otherSlot(this.#current?.slot), position, likely);
    const done = this.#read(window.slot, 0, position, window.length);
    done.catch(() => undefined);
    this.#ahead = { window, done };
  }

  /** Drops the current window after a failed check: the next {@link peek} reads the disk again. */
  forget(): void {
    this.#current = undefined;
  }

  /** Drops everything, after the pending read has finished. */
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
    return this.#device.read(slot.bytes.subarray(from, from + length), this.offsetOf(position));
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
