/** The resources that keep this process alive: a test that leaves more of them than before has a leak. */

const KINDS = ['Timeout', 'PipeWrap', 'PipeServerWrap', 'FSReqPromise'] as const;

export type OpenResources = ReadonlyMap<string, number>;

export function openResources(): OpenResources {
  const names = process.getActiveResourcesInfo();
  return new Map(KINDS.map((kind) => [kind, names.filter((name) => name === kind).length]));
}

/** The kinds of which there are more than `before`. Resources of an earlier test may disappear meanwhile. */
export function leftSince(before: OpenResources): string[] {
  return [...openResources()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
}
