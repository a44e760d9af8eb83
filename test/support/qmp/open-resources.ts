/** What keeps this process from ending: a test that leaves more of it than it found has found a leak. */

const KINDS = ['Timeout', 'PipeWrap', 'PipeServerWrap', 'FSReqPromise'] as const;

export type OpenResources = ReadonlyMap<string, number>;

export function openResources(): OpenResources {
  const names = process.getActiveResourcesInfo();
  return new Map(KINDS.map((kind) => [kind, names.filter((name) => name === kind).length]));
}

/** The kinds of which there are more than `before`. What an earlier test left may go meanwhile. */
export function leftSince(before: OpenResources): string[] {
  return [...openResources()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
}
