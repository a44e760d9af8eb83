/** The names of all faults. A run counts the faults that it injects, so that a test can check that none is missing. */

export const FAULTS = [
  'torn write, by sector',
  'torn write, by block',
  'torn write, by word',
  'torn read',
  'writes completed out of order',
  'lost completion',
  'duplicated completion',
  'replayed write',
  'lost write',
  'half a write lost',
  'stale read',
  'misdirected write',
  'bit flipped on the disk',
  'bit flipped in a read',
  'I/O error of a read',
  'I/O error of a write',
  'I/O error of a write that was done',
  'partial read or write',
  'disk stalls',
  'disk taken away',
  'source stalls',
  'I/O error of the source',
  'destination full',
  'I/O error of the destination',
  'destination stalls',
  'journal cannot be written',
  'slow process',
  'dom0 killed',
  'stubdom killed',
  'killed while it recovers',
  'restarted',
  'power lost',
  'process stopped',
  'hostile block',
  'hostile frame',
  'hostile control block',
] as const;

export type FaultClass = (typeof FAULTS)[number];

export class FaultCounts {
  readonly #counts = new Map<FaultClass, number>();

  count(fault: FaultClass): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
  }

  of(fault: FaultClass): number {
    return this.#counts.get(fault) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  add(other: FaultCounts): void {
    for (const [fault, count] of other.#counts) this.#counts.set(fault, this.of(fault) + count);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries(FAULTS.map((fault) => [fault, this.of(fault)]));
  }
}
