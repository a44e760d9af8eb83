/** Where two runs of bytes differ. */

export interface ByteRange {
  readonly offset: number;
  /** Bytes in the one and in the other. */
  readonly before: number;
  readonly after: number;
}

/** So many runs are told apart; what is behind them is one. */
const MOST_RUNS = 4096;

/**
 * Of the same length: each run of bytes that differ. Else one range, between what they have in common at the beginning and
 * what they have in common at the end.
 */
export function differingRanges(before: Uint8Array, after: Uint8Array): ByteRange[] {
  return before.length === after.length ? differingRuns(before, after) : [replacedRange(before, after)];
}

function differingRuns(before: Uint8Array, after: Uint8Array): ByteRange[] {
  const ranges: ByteRange[] = [];
  for (let at = 0; at < before.length; at += 1) {
    if (before[at] === after[at]) continue;
    const offset = at;
    if (ranges.length === MOST_RUNS) at = lastDifference(before, after) + 1;
    else while (at < before.length && before[at] !== after[at]) at += 1;
    ranges.push({ offset, before: at - offset, after: at - offset });
  }
  return ranges;
}

function lastDifference(before: Uint8Array, after: Uint8Array): number {
  let at = before.length - 1;
  while (at > 0 && before[at] === after[at]) at -= 1;
  return at;
}

function replacedRange(before: Uint8Array, after: Uint8Array): ByteRange {
  const shorter = Math.min(before.length, after.length);
  let front = 0;
  while (front < shorter && before[front] === after[front]) front += 1;
  let back = 0;
  while (back < shorter - front && before.at(-1 - back) === after.at(-1 - back)) back += 1;
  return { offset: front, before: before.length - front - back, after: after.length - front - back };
}
