/** Waits for an event without a fixed delay. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

/** The limit after which {@link until} fails, in milliseconds. */
const NEVER_MS = 10_000;

/** Resolves when `happened()`. */
export async function until(happened: () => boolean): Promise<void> {
  for (const since = performance.now(); !happened(); await delay(1)) {
    if (performance.now() - since > NEVER_MS) throw new Error(`never: ${happened}`);
  }
}

/** The consequences of one event in this process are complete after this many iterations of the event loop. */
const TURNS = 20;

/** Waits until pending work is done, even on a slow machine, before a test asserts that something has not happened. */
export async function settled(ms = 30): Promise<void> {
  await delay(ms);
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}

/** Whether `work` is not settled yet. */
export async function isPending(work: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([work.catch(() => undefined), delay(0, pending)])) === pending;
}
