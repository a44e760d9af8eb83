/**
 * Saves of a toolstack before there is one: what {@link rehearse} does, through the gate.
 *
 *     toolstack's part --QMP--> gate --QMP--> QEMU's part, which writes a state into the FIFO
 *                                '==disk in memory, offered and held==> dom0's end --> statefile
 *
 * A guest is saved once in its life, as a rule: the first save is the one that matters.
 */
import { join } from 'node:path';
import { formatDisk } from '../channel/index.js';
import { encodeOffer } from '../codec/request.js';
import { StubferryError } from '../errors/index.js';
import { QmpClient, QmpGate, SAVE_FDSET, saveDevicesState, stop } from '../qmp/index.js';
import type { AskedDom0 } from './asked-disk.js';
import { GateSaves } from './gate-saves.js';
import type { Log } from './log.js';
import { contextOn, nextSuperblock, PROVENANCE, type Rehearsal, receiveOn, rehearseOn, STATE } from './rehearsal.js';
import { rehearsalFolder } from './rehearsal-folder.js';
import { RehearsalQemu } from './rehearsal-qemu.js';
import type { RehearsalStage } from './rehearsal-stage.js';

/** @throws StubferryError INTERNAL when a state does not come out as it went in */
export function rehearseGate(log: Log, openFolder: typeof rehearsalFolder = rehearsalFolder): Promise<void> {
  return rehearseOn(log, openFolder, prepare);
}

/** The one key of xenstore that matters here. */
class RehearsalOffer {
  #text: string | undefined;
  #fire: () => Promise<void> = async () => undefined;

  readonly dom0: AskedDom0 = {
    home: '/local/domain/0',
    xenstore: {
      read: async () => this.#text,
      write: async () => undefined,
      remove: async () => undefined,
      watch: async (path, fired) => {
        this.#fire = async () => fired(path);
        return { close: async () => undefined };
      },
    },
  };

  /** Resolves when it was heard of. */
  set(text: string | undefined): Promise<void> {
    this.#text = text;
    return this.#fire();
  }
}

async function prepare(stage: RehearsalStage): Promise<Rehearsal> {
  const context = contextOn(stage);
  const [listen, qmp] = [join(stage.folder, 'gate.sock'), join(stage.folder, 'qmp.sock')];
  const offer = new RehearsalOffer();
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const qemu = await RehearsalQemu.listen(qmp, STATE);
    undo.push(() => qemu.close());
    const job = { qmp, disk: offer.dom0, provenance: PROVENANCE, sha256: true, fifoDir: stage.folder };
    const saves = await GateSaves.prepare(job, context);
    undo.push(() => saves.close());
    const gate = await QmpGate.listen({
      ...{ listen, qemu: qmp, patienceMs: context.timeouts.absentMs },
      onSave: (request) => saves.run(request),
      onStop: (monitor) => saves.foresee(monitor),
      onNews: () => undefined,
    });
    undo.push(() => gate.close(new StubferryError('CANCELLED', 'the rehearsal is over')));
  } catch (error) {
    await close();
    throw error;
  }
  return { play: (count) => save(stage, offer, listen, count % 2 === 1), close };
}

/** As xl does it with its hook: the disk is there, and held, before the guest is stopped. */
async function save(stage: RehearsalStage, offer: RehearsalOffer, gate: string, replace: boolean): Promise<void> {
  const superblock = nextSuperblock();
  const ending = new AbortController();
  const context = contextOn(stage, ending.signal);
  await formatDisk(stage.receiver, superblock);
  const receiving = receiveOn(stage, superblock, replace, context);
  receiving.catch(() => undefined);
  try {
    await offer.set(encodeOffer({ transferUuid: superblock.transferUuid, device: stage.disk }));
    const { signal, timeouts } = context;
    const toolstack = await QmpClient.connect(gate, { signal, patienceMs: timeouts.absentMs });
    try {
      await stop(toolstack);
      await saveDevicesState(toolstack, { live: false, filename: SAVE_FDSET });
    } finally {
      toolstack.close();
    }
    await receiving;
  } finally {
    ending.abort(new StubferryError('CANCELLED', 'the rehearsal is over'));
    await receiving.catch(() => undefined);
    await offer.set(undefined);
  }
}
