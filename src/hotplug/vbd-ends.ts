/** Waits for what the two ends of a vbd do, by watches on their states. */
import { StubferryError } from '../errors/index.js';
import type { Watch, XenstoreClient } from '../xenstore/index.js';
import { backendPath, frontendPath, type Vbd } from './vbd-paths.js';
import { shownState, type XenbusState, xenbusState } from './xenbus-state.js';

export interface VbdEnds {
  readonly frontend: XenbusState;
  readonly backend: XenbusState;
}

export interface Limits {
  /** Milliseconds. */
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What was waited for, or what there was when the time was over. */
export type Outcome<T> = { readonly came: T } | { readonly late: VbdEnds };

export function shownEnds({ frontend, backend }: VbdEnds): string {
  return `frontend ${shownState(frontend)}, backend ${shownState(backend)}`;
}

/**
 * Looks at both ends now and at each change, until `judge` says something.
 * @throws StubferryError of xenstore; the reason of an abort
 */
export async function awaitEnds<T>(
  store: XenstoreClient,
  vbd: Vbd,
  { withinMs, signal }: Limits,
  judge: (ends: VbdEnds) => T | undefined,
): Promise<Outcome<T>> {
  signal?.throwIfAborted();
  const paths = { frontend: `${frontendPath(vbd)}/state`, backend: `${backendPath(vbd)}/state` };
  const watches: Watch[] = [];
  let last: VbdEnds = { frontend: 'gone', backend: 'gone' };
  let settle: (outcome: Outcome<T>) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const outcome = new Promise<Outcome<T>>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const look = async (): Promise<void> => {
    try {
      const values = await Promise.all([store.readBytes(paths.frontend), store.readBytes(paths.backend)]);
      const [frontend, backend] = values.map(xenbusState);
      last = { frontend: frontend ?? 'gone', backend: backend ?? 'gone' };
      const came = judge(last);
      if (came !== undefined) settle({ came });
    } catch (error) {
      // A watch fires again when a lost connection was made anew.
      if (!(error instanceof StubferryError && error.code === 'XENSTORE_GONE')) fail(error);
    }
  };
  const onAbort = (): void => fail(signal?.reason);
  const timer = setTimeout(() => settle({ late: last }), withinMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  outcome.catch(() => undefined);
  try {
    await Promise.all(Object.values(paths).map(async (path) => watches.push(await store.watch(path, look))));
    return await outcome;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await Promise.all(watches.map((watch) => watch.close()));
  }
}
