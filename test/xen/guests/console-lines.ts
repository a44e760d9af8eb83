/** Parses the numbers that guests print to port 0xe9. Xen's console has a line for each: `(d5) n 0000001f`. */

const COUNT_LINE = /^\(d(\d+)\) n ([0-9a-f]{8})\r?$/gm;

/** Returns the numbers that these domains have printed, in chronological order. */
export function countsOf(console: string, domids: readonly number[]): number[] {
  return [...console.matchAll(COUNT_LINE)]
    .filter(([, domid]) => domids.includes(Number(domid)))
    .map(([, , digits]) => Number.parseInt(digits ?? '', 16));
}

/**
 * Returns the places where the numbers do not increase by one. A guest that was moved in the middle of a line has
 * printed the first half in one domain and the second half in another. One number may therefore be missing. No number
 * may occur twice, and none may be smaller than the one before it.
 */
export function breaksIn(counts: readonly number[]): string[] {
  return counts.flatMap((count, index) => {
    const step = count - (counts[index - 1] ?? count - 1);
    return step === 1 || step === 2 ? [] : [`${counts[index - 1]}, then ${count}`];
  });
}
