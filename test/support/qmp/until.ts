/** Waiting for something to have happened, without a guess at how long that takes. */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

/** After this long it is taken for never, milliseconds. */
const NEVER_MS = 10_000;

/** Resolves when `happened()`. */
export async function until(happened: () => boolean): Promise<void> {
  for (const since = performance.now(); !happened(); await delay(1)) {
    if (performance.now() - since > NEVER_MS) throw new Error(`never: ${happened}`);
  }
}

/** What one event sets off in this process is over after so many turns of the event loop. */
const TURNS = 20;

/** Lets everything happen that is about to, however slow the machine: for what must not happen. */
export async function settled(ms = 30): Promise<void> {
  await delay(ms);
  for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
}

/** Whether `work` has come to its end by now. */
export async function isPending(work: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (await Promise.race([work.catch(() => undefined), delay(0, pending)])) === pending;
}
