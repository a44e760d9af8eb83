/**
 * What the two ends of a vbd do.
 *
 * One end is watched at a time, the one that comes last: each request to xenstored takes 5 ms under emulation, of a processor that the
 * kernels need for the disk. With both watched, of an attach it was a tenth.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { Watch, XenstoreClient } from '../xenstore/index.js';
import { backendPath, frontendPath, type Vbd } from './vbd-paths.js';
import { shownState, type XenbusState, xenbusState } from './xenbus-state.js';

export interface VbdStates {
  readonly frontend: XenbusState;
  readonly backend: XenbusState;
}

export interface Limits {
  /** Milliseconds. */
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

export function describeStates({ frontend, backend }: VbdStates): string {
  return `frontend ${shownState(frontend)}, backend ${shownState(backend)}`;
}

/** How both stand now. @throws StubferryError of xenstore */
export async function readStates(store: XenstoreClient, vbd: Vbd): Promise<VbdStates> {
  const [frontend, backend] = await Promise.all(
    [frontendPath(vbd), backendPath(vbd)].map((end) => store.readBytes(`${end}/state`)),
  );
  return { frontend: xenbusState(frontend), backend: xenbusState(backend) };
}

/**
 * Looks at one end now and at each change, until it stands where `isWanted` says so.
 * @returns false when the time is over
 * @throws StubferryError of xenstore; the reason of an abort
 */
export async function waitForStates(
  store: XenstoreClient,
  end: string,
  { withinMs, signal }: Limits,
  isWanted: (state: XenbusState) => boolean,
): Promise<boolean> {
  signal?.throwIfAborted();
  let settle: (came: boolean) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const outcome = new Promise<boolean>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  outcome.catch(() => undefined);
  const path = `${end}/state`;
  const look = async (): Promise<void> => {
    try {
      if (isWanted(xenbusState(await store.readBytes(path)))) settle(true);
    } catch (error) {
      // A watch fires again when a lost connection was made anew.
      if (!(error instanceof StubferryError && error.code === 'XENSTORE_GONE')) fail(error);
    }
  };
  const onAbort = (): void => fail(signal?.reason);
  const timer = setTimeout(() => settle(false), withinMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  let watch: Watch | undefined;
  try {
    watch = await store.watch(path, look);
    return await outcome;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await watch?.close();
  }
}
