/** Lets a guest go on whose agent stopped it and was killed before it could let it go on itself. */
import { constants, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PipeSource } from '../endpoints/index.js';
import { StubferryError } from '../errors/index.js';
import { cont, QmpClient } from '../qmp/index.js';
import type { StateSource } from '../transfer/index.js';
import { drain } from './drain.js';

/** For all of it, milliseconds. */
const RESCUE_MS = 15_000;

/**
 * @param fifoFolder above the FIFOs of the agent
 * @throws StubferryError QEMU_GONE, with what to do by hand
 */
export async function letGuestGoOn(qmp: string, fifoFolder: string): Promise<void> {
  // A QEMU that was just about to open a FIFO that nobody reads any more waits for a reader, with its whole main loop; and
  // then it writes, and waits again when the pipe is full.
  const readers = await readFifos(fifoFolder);
  try {
    const monitor = await QmpClient.connect(qmp, { patienceMs: 0, signal: AbortSignal.timeout(RESCUE_MS) });
    await cont(monitor).finally(() => monitor.close());
  } catch (cause) {
    throw new StubferryError(
      'QEMU_GONE',
      'the save failed, and the guest that was stopped for it could not be let go on',
      {
        where: qmp,
        hint: "if QEMU still runs, give it the command 'cont' by hand",
        cause,
      },
    );
  } finally {
    for (const reader of readers) await reader.close();
  }
}

/** Reads the FIFOs under `folder`, if that is still there, into nothing. */
async function readFifos(folder: string): Promise<StateSource[]> {
  const names = await readdir(folder, { recursive: true }).catch((): string[] => []);
  const paths = names.filter((name) => name.endsWith('.fifo')).map((name) => join(folder, name));
  return paths.map((path) => {
    const reader = new PipeSource(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), path);
    void drain(reader);
    return reader;
  });
}
