/** The random numbers of a run, which follow from its seed: sfc32 by Chris Doty-Humphrey. */

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param stream selects one of several independent sequences of the same seed */
  constructor(seed: number, stream = 0) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = stream >>> 0;
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** Returns a u32. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** Returns a number from 0 inclusive to 1 exclusive. */
  unit(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** Returns an integer from 0 inclusive to `limit` exclusive. */
  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }

  /** Returns an integer from `low` to `high`, both inclusive. */
  whole(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  between(low: number, high: number): number {
    return low + this.unit() * (high - low);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** Returns a number with a logarithmic distribution: as many are between 1 and 10 as between 10 and 100. */
  scaled(low: number, high: number): number {
    return low * (high / low) ** this.unit();
  }

  fill(bytes: Uint8Array): Uint8Array {
    for (let at = 0; at < bytes.length; at += 4) {
      const word = this.next();
      bytes[at] = word;
      if (at + 1 < bytes.length) bytes[at + 1] = word >>> 8;
      if (at + 2 < bytes.length) bytes[at + 2] = word >>> 16;
      if (at + 3 < bytes.length) bytes[at + 3] = word >>> 24;
    }
    return bytes;
  }
}
