/** Lets a guest go on whose agent stopped it and was killed before it could let it go on itself. */
import { constants, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StubferryError } from '../../base/errors/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { PipeSource } from '../../io/index.js';
import { cont, QmpClient } from '../qmp/index.js';
import { drain } from './drain.js';

/** For all of it, milliseconds: QEMU may be in the middle of writing, or of giving up a migration. */
const RESCUE_MS = 15_000;
const RETRY_MS = 200;

/**
 * @param fifoFolder above the FIFOs of the agent
 * @returns undefined when the guest goes on; else what is wrong, with what to do by hand
 */
export async function resumeGuest(qmp: string, fifoFolder: string): Promise<StubferryError | undefined> {
  // A QEMU that was just about to open a FIFO that nobody reads any more waits for a reader, with its whole main loop; and
  // then it writes, and waits again when the pipe is full.
  const readers = await readFifos(fifoFolder);
  try {
    for (const deadline = performance.now() + RESCUE_MS; ; await delay(RETRY_MS)) {
      const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
      const failure = await tryOnce(qmp, signal);
      if (failure === undefined) return undefined;
      if (performance.now() >= deadline || isHopeless(failure)) return stillStopped(qmp, failure);
    }
  } finally {
    for (const reader of readers) await reader.close();
  }
}

/** @returns why not */
async function tryOnce(qmp: string, signal: AbortSignal): Promise<unknown> {
  try {
    const monitor = await QmpClient.connect(qmp, { waitMs: 0, signal });
    await cont(monitor).finally(() => monitor.close());
    return undefined;
  } catch (error) {
    return error;
  }
}

/** QEMU is not there any more. */
function isHopeless(failure: unknown): boolean {
  return failure instanceof StubferryError && failure.code === 'QMP_UNREACHABLE';
}

function stillStopped(where: string, cause: unknown): StubferryError {
  return new StubferryError('QEMU_GONE', 'the guest that was stopped for the save could not be let go on', {
    where,
    hint: "if QEMU still runs, give it the command 'cont' by hand",
    cause,
  });
}

/** Reads what comes out of the FIFOs under `folder`, and drops it. */
async function readFifos(folder: string): Promise<StateSource[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names
    .filter((name) => name.endsWith('.fifo'))
    .flatMap((name) => {
      try {
        const path = join(folder, name);
        const reader = PipeSource.of(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), path);
        void drain(reader);
        return [reader];
      } catch {
        return [];
      }
    });
}
