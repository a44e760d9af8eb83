/** What guests print by port 0xe9, as Xen's console tells it: a line each, `(d5) n 0000001f`. */

const COUNT_LINE = /^\(d(\d+)\) n ([0-9a-f]{8})\r?$/gm;

/** The numbers that one of these domains has printed, in the order of time. */
export function countsOf(console: string, domids: readonly number[]): number[] {
  return [...console.matchAll(COUNT_LINE)]
    .filter(([, domid]) => domids.includes(Number(domid)))
    .map(([, , digits]) => Number.parseInt(digits ?? '', 16));
}

/**
 * Where the numbers do not go on by one. A guest that was moved in the middle of a line has printed its first half in
 * one domain and its second in another: one number in a row may be lost; but none comes twice, and none is from before.
 */
export function breaksIn(counts: readonly number[]): string[] {
  return counts.flatMap((count, index) => {
    const step = count - (counts[index - 1] ?? count - 1);
    return step === 1 || step === 2 ? [] : [`${counts[index - 1]}, then ${count}`];
  });
}
