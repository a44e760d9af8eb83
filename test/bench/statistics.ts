/** Figures from samples. */

/** @param part 0.5 for the median. By the nearest rank. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** `1.85 (1.60 to 2.01)`: median, least and greatest. */
export function spread(samples: readonly number[], digits = 2): string {
  const text = (value: number): string => value.toFixed(digits);
  if (samples.length === 1) return text(median(samples));
  return `${text(median(samples))} (${text(Math.min(...samples))} to ${text(Math.max(...samples))})`;
}

/** Of each round: how many times as fast as the other was in the same round. */
export function ratios(ms: readonly number[], othersMs: readonly number[]): number[] {
  return ms.map((taken, round) => (othersMs[round] ?? Number.NaN) / taken);
}

/** GiB/s of each round. */
export function rates(bytes: number, ms: readonly number[]): number[] {
  return ms.map((taken) => (bytes / 2 ** 30 / taken) * 1000);
}
