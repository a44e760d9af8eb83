/** Lets a guest go on whose agent stopped it and was killed before it could let it go on itself. */
import { closeSync, constants, openSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StubferryError } from '../errors/index.js';
import { cont, QmpClient } from '../qmp/index.js';

/** For all of it, milliseconds. */
const RESCUE_MS = 15_000;

/**
 * @param fifoFolder above the FIFOs of the agent
 * @throws StubferryError QMP_UNREACHABLE and others, with what to do by hand
 */
export async function letGuestGoOn(qmp: string, fifoFolder: string): Promise<void> {
  // A QEMU that was just about to open a FIFO that nobody reads any more waits for a reader, with its whole main loop.
  const readers = await openFifos(fifoFolder);
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
    for (const fd of readers) closeSync(fd);
  }
}

async function openFifos(folder: string): Promise<number[]> {
  const names = await readdir(folder, { recursive: true });
  const fifos = names.filter((name) => name.endsWith('.fifo'));
  return fifos.map((name) => openSync(join(folder, name), constants.O_RDONLY | constants.O_NONBLOCK));
}
