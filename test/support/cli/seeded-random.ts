/** Reproducible random numbers. A failed test prints the seed. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** 32 random bits (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  /** That many random bytes. */
  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
    for (let offset = 0; offset < length; offset += 4) bytes.writeUInt32LE(this.next(), offset);
    return bytes.subarray(0, length);
  }
}

/** The seed: STUBFERRY_TEST_SEED, or a new one for each run. */
export const SEED = Number(process.env['STUBFERRY_TEST_SEED'] ?? Date.now() % 2 ** 31);

/** Runs `work`. An error gets the seed in its message, with which the same run can be repeated. */
export async function withSeed<T>(seed: number, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${what} (STUBFERRY_TEST_SEED=${seed}): ${message}`, { cause });
  }
}

/** Runs `work` for each number below `count`, at most `width` of them at the same time. */
export async function forEachBelow(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: width }, lane));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
