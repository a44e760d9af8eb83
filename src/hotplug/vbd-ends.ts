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
  const watches: Watch[] = [];
  const known: Partial<Record<keyof VbdEnds, XenbusState>> = {};
  const last = (): VbdEnds => ({ frontend: known.frontend ?? 'gone', backend: known.backend ?? 'gone' });
  let settle: (outcome: Outcome<T>) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const outcome = new Promise<Outcome<T>>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  // Only what has changed: each request to xenstored takes 5 ms under emulation, of a processor that the kernels need for the disk.
  const look = async (end: keyof VbdEnds, path: string): Promise<void> => {
    try {
      known[end] = xenbusState(await store.readBytes(path));
      const came = known.frontend && known.backend && judge(last());
      if (came !== undefined) settle({ came });
    } catch (error) {
      // A watch fires again when a lost connection was made anew.
      if (!(error instanceof StubferryError && error.code === 'XENSTORE_GONE')) fail(error);
    }
  };
  const watch = async (end: keyof VbdEnds, path: string): Promise<void> => {
    watches.push(await store.watch(path, () => look(end, path)));
  };
  const onAbort = (): void => fail(signal?.reason);
  const timer = setTimeout(() => settle({ late: last() }), withinMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  outcome.catch(() => undefined);
  try {
    await Promise.all([watch('frontend', `${frontendPath(vbd)}/state`), watch('backend', `${backendPath(vbd)}/state`)]);
    return await outcome;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await Promise.all(watches.map((watch) => watch.close()));
  }
}
