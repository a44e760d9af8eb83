/** The bytes of a transfer disk, which both domains share. */

const BLOCK = 4096;

export class Medium {
  readonly bytes: Uint8Array;
  readonly watchers = new Set<() => void>();
  /** The previous contents of each block. They are stored only for stale reads. */
  readonly #before: Map<number, Uint8Array> | undefined;

  /** Whether it consists of pages of a page cache, whose writes become visible word by word. */
  readonly isMemory: boolean;

  constructor(size: number, remembers: boolean, isMemory: boolean) {
    this.isMemory = isMemory;
    this.bytes = new Uint8Array(size);
    this.#before = remembers ? new Map() : undefined;
  }

  get size(): number {
    return this.bytes.length;
  }

  write(from: Uint8Array, position: number): void {
    if (this.#before !== undefined) {
      const end = Math.min(position + from.length, this.size);
      for (let block = Math.floor(position / BLOCK); block * BLOCK < end; block += 1)
        this.#before.set(block, this.bytes.slice(block * BLOCK, (block + 1) * BLOCK));
    }
    this.bytes.set(from.subarray(0, this.size - position), position);
    for (const notify of this.watchers) notify();
  }

  read(into: Uint8Array, position: number): void {
    into.set(this.bytes.subarray(position, position + into.length));
  }

  /** Reads the previous contents. @returns whether they differ from the current ones */
  readStale(into: Uint8Array, position: number): boolean {
    this.read(into, position);
    let differs = false;
    for (let at = 0; at < into.length; ) {
      const place = position + at;
      const block = Math.floor(place / BLOCK);
      const within = place - block * BLOCK;
      const length = Math.min(BLOCK - within, into.length - at);
      const before = this.#before?.get(block)?.subarray(within, within + length);
      if (before !== undefined) {
        differs ||= Buffer.compare(before, into.subarray(at, at + length)) !== 0;
        into.set(before, at);
      }
      at += length;
    }
    return differs;
  }

  flip(position: number, bit: number): void {
    this.bytes[position] = (this.bytes[position] ?? 0) ^ (1 << bit);
  }
}
