/** Resumes a guest that an agent has stopped, when the agent was killed before it could resume the guest itself. */

import { constants, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import type { StateSource } from '../../formats/state-source.js';
import { PipeSource } from '../../io/index.js';
import { cont, QmpClient } from '../qmp/index.js';
import { drain } from './drain.js';

const RETRY_MS = 200;

/**
 * Sends `cont` to QEMU and retries for 15 s.
 *
 * @param qmp the path of QEMU's monitor socket
 * @param fifoDirectory the directory that contains the FIFOs of the agent
 * @returns undefined when QEMU has accepted the command; otherwise an error that names the manual remedy
 */
export async function resumeGuest(qmp: string, fifoDirectory: string): Promise<StubferryError | undefined> {
  // When QEMU opens a FIFO that has lost its reader, its main loop blocks until a reader appears. Then QEMU writes, and
  // blocks again when the pipe is full.
  const readers = await readFifos(fifoDirectory);
  try {
    for (const deadline = performance.now() + TIMEOUTS.resumeGuest; ; await delay(RETRY_MS)) {
      const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
      const failure = await tryOnce(qmp, signal);
      if (failure === undefined) return undefined;
      if (performance.now() >= deadline || isHopeless(failure)) return stillStopped(qmp, failure);
    }
  } finally {
    for (const reader of readers) await reader.close();
  }
}

/** @returns the error, or undefined on success */
async function tryOnce(qmp: string, signal: AbortSignal): Promise<unknown> {
  try {
    const monitor = await QmpClient.connect(qmp, { waitMs: 0, signal });
    await cont(monitor).finally(() => monitor.close());
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Whether QEMU has exited, so that a retry is useless. */
function isHopeless(failure: unknown): boolean {
  return failure instanceof StubferryError && failure.code === 'QMP_UNREACHABLE';
}

function stillStopped(where: string, cause: unknown): StubferryError {
  return new StubferryError('QEMU_GONE', 'cannot resume the guest that was stopped for the save', {
    where,
    hint: "if QEMU still runs, send it the QMP command 'cont'",
    cause,
  });
}

/** Opens the FIFOs under `directory` and discards what QEMU writes to them. */
async function readFifos(directory: string): Promise<StateSource[]> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  return names
    .filter((name) => name.endsWith('.fifo'))
    .flatMap((name) => {
      try {
        const path = join(directory, name);
        const reader = PipeSource.of(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), path);
        void drain(reader);
        return [reader];
      } catch {
        return [];
      }
    });
}
