/** Statistics of samples. */

/** Returns a quantile by the nearest-rank method. @param part 0.5 for the median */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Formats the median, the minimum and the maximum: `1.85 (1.60 to 2.01)`. */
export function spread(samples: readonly number[], digits = 2): string {
  const text = (value: number): string => value.toFixed(digits);
  if (samples.length === 1) return text(median(samples));
  return `${text(median(samples))} (${text(Math.min(...samples))} to ${text(Math.max(...samples))})`;
}

/** Returns for each round how many times as fast it was as the other program in the same round. */
export function ratios(ms: readonly number[], othersMs: readonly number[]): number[] {
  return ms.map((taken, round) => (othersMs[round] ?? Number.NaN) / taken);
}

/** Returns the throughput of each round, in GiB/s. */
export function rates(bytes: number, ms: readonly number[]): number[] {
  return ms.map((taken) => (bytes / 2 ** 30 / taken) * 1000);
}
