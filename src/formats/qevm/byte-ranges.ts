/** Finds the ranges of bytes in which two bodies differ. */

/** A range of bytes in which two bodies differ. */
export interface ByteRange {
  readonly offset: number;
  /** Length of the range in the first body, in bytes. */
  readonly before: number;
  /** Length of the range in the second body, in bytes. */
  readonly after: number;
}

/** Largest number of separate runs. Everything after them is one run. */
const MAX_RUNS = 4096;

/**
 * Returns the ranges in which two bodies differ. If the bodies have the same length, each run of differing bytes is a
 * range. Otherwise there is one range: the bytes between the common start and the common end of the bodies.
 */
export function differingRanges(before: Uint8Array, after: Uint8Array): ByteRange[] {
  return before.length === after.length ? differingRuns(before, after) : [replacedRange(before, after)];
}

function differingRuns(before: Uint8Array, after: Uint8Array): ByteRange[] {
  const ranges: ByteRange[] = [];
  for (let at = 0; at < before.length; at += 1) {
    if (before[at] === after[at]) continue;
    const offset = at;
    if (ranges.length === MAX_RUNS) at = lastDifference(before, after) + 1;
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
