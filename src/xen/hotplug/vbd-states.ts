/**
 * The states of the two ends of a vbd.
 *
 * Only one end is watched at a time, the one that connects last: each request to xenstored takes 5 ms under emulation,
 * on a processor that the kernels need for the disk. Watching both ends took a tenth of the time of an attach.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { Watch, XenstoreClient } from '../xenstore/index.js';
import { backendPath, frontendPath, type Vbd } from './vbd-paths.js';
import { describeState, type XenbusState, xenbusState } from './xenbus-state.js';

/** The states of both ends. */
export interface VbdStates {
  readonly frontend: XenbusState;
  readonly backend: XenbusState;
}

/** How long to wait. */
export interface Limits {
  /** Limit in milliseconds. */
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The states of both ends for messages. */
export function describeStates({ frontend, backend }: VbdStates): string {
  return `frontend ${describeState(frontend)}, backend ${describeState(backend)}`;
}

/**
 * Reads the states of both ends.
 * @throws StubferryError errors of xenstore
 */
export async function readStates(store: XenstoreClient, vbd: Vbd): Promise<VbdStates> {
  const [frontend, backend] = await Promise.all(
    [frontendPath(vbd), backendPath(vbd)].map((end) => store.readBytes(`${end}/state`)),
  );
  return { frontend: xenbusState(frontend), backend: xenbusState(backend) };
}

/**
 * Checks the state of one end now and after each change, until `isWanted` returns true.
 * @param end path of the frontend or backend
 * @returns false when the time is over
 * @throws StubferryError errors of xenstore; the reason of an abort
 */
export async function waitForStates(
  store: XenstoreClient,
  end: string,
  { withinMs, signal }: Limits,
  isWanted: (state: XenbusState) => boolean,
): Promise<boolean> {
  signal?.throwIfAborted();
  let settle: (isReached: boolean) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const outcome = new Promise<boolean>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  outcome.catch(() => undefined);
  const path = `${end}/state`;
  const check = async (): Promise<void> => {
    try {
      if (isWanted(xenbusState(await store.readBytes(path)))) settle(true);
    } catch (error) {
      // The watch fires again after a reconnection.
      if (!(error instanceof StubferryError && error.code === 'XENSTORE_GONE')) fail(error);
    }
  };
  const onAbort = (): void => fail(signal?.reason);
  const timer = setTimeout(() => settle(false), withinMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  let watch: Watch | undefined;
  try {
    watch = await store.watch(path, check);
    return await outcome;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await watch?.close();
  }
}
