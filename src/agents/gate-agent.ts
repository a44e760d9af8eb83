/**
 * The stubdom's agent as a service: the gate of the toolstack, one transfer for each save.
 *
 *     start -> (restore, once) -> rehearse -> wait --save command--> disk, dom0's agent -> QEMU writes -> COMMITTED --reply--> wait
 *                                              ^                                    '--error: the reply says why--'
 *
 * QEMU is asked for its state only when the disk is there with dom0's agent on it: until then nothing has happened, and a save
 * that fails early costs nothing. What must be made for a save is made before the toolstack asks for one.
 */
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Superblock } from '../codec/superblock.js';
import { StubferryError } from '../errors/index.js';
import { assertSavable, DeviceStateCapture } from '../qemu/index.js';
import { type ListMedia, QmpGate, type SaveRequest } from '../qmp/index.js';
import type { StateSource, StateToSend, TransferSummary } from '../transfer/index.js';
import type { AgentContext } from './agent-context.js';
import type { OnEvent } from './agent-events.js';
import type { Expectation } from './find-disk.js';
import { OfferedDisk } from './offered-disk.js';
import { rehearse } from './rehearsal.js';
import { runTransfer, type Task } from './run-transfer.js';
import { provenanceOf } from './saving-end.js';
import { type Provenance, stateToSend } from './state-to-send.js';
import { runStubdomTransfer, type StubdomJob } from './stubdom-agent.js';
import { type DiskPlace, withTransferDisk } from './transfer-disk.js';
import { transferReport } from './transfer-report.js';
import { untilAborted } from './until-aborted.js';

export interface GateJob {
  /** Socket to listen on for the toolstack. */
  readonly listen: string;
  /** Socket of QEMU's monitor. */
  readonly qmp: string;
  /** Where the transfer disks come from: one after the other. */
  readonly disk: DiskPlace;
  /** The guest's disks, of which a toolstack may put one into a drive of QEMU's. */
  readonly listMedia: ListMedia;
  readonly provenance: Provenance;
  readonly sha256: boolean;
  /** Where a folder for FIFOs is made. */
  readonly fifoDir: string;
  /** What QEMU waits for at its start; undefined when it was started without `-incoming`. */
  readonly restore: StubdomJob | undefined;
}

/** Runs until the context's signal is aborted. @throws StubferryError GATE_UNUSABLE, DISK_HUNG, and why the restore failed */
export async function runGateAgent(job: GateJob, context: AgentContext): Promise<never> {
  const saves = await GateSaves.prepare(job, context);
  try {
    let open: () => void = () => undefined;
    const opening = new Promise<void>((resolve) => {
      open = resolve;
    });
    const gate = await QmpGate.listen({
      listen: job.listen,
      qemu: job.qmp,
      onSave: (request) => saves.run(request),
      listMedia: () => listMedia(job, context),
      onNews: (news) => context.log.debug({ gate: job.listen }, `toolstack ${news}`),
      patienceMs: context.timeouts.absentMs,
      opening,
    });
    context.onEvent({ event: 'listening', gate: job.listen });
    let reason: unknown;
    try {
      if (job.restore !== undefined) await saves.after(job.restore);
      await rehearse(context.log);
      open();
      return await untilAborted(context.signal, saves.worn);
    } catch (error) {
      reason = error;
      throw error;
    } finally {
      await gate.close(StubferryError.from(reason));
    }
  } finally {
    await saves.close();
  }
}

/** Without a list, the toolstack hears what QEMU says. */
async function listMedia(job: GateJob, { log }: AgentContext): ReturnType<ListMedia> {
  try {
    return await job.listMedia();
  } catch (error) {
    log.warn({ error: StubferryError.from(error).report() }, 'no medium of a drive can be changed');
    return [];
  }
}

/** After QEMU has refused: for a disk that is there to be found, so that dom0's agent hears of it, milliseconds. */
const REFUSAL_MS = 200;

/** The saves that toolstacks ask for; the gate lets one at a time. */
class GateSaves {
  readonly #job: GateJob;
  readonly #context: AgentContext;
  readonly #capture: DeviceStateCapture;
  /** Where dom0 can be asked, it may also offer. */
  readonly #offers: OfferedDisk | undefined;
  /** The transfer that was begun last: its disk is not taken again. */
  #lastTransfer: string | undefined;
  #last: Promise<void> = Promise.resolve();
  #wear: (error: StubferryError) => void = () => undefined;
  /** Rejects when this process cannot be used any more: each request to a disk that hangs holds an I/O thread for ever. */
  readonly worn = new Promise<never>((_, reject) => {
    this.#wear = reject;
  });

  private constructor(
    job: GateJob,
    context: AgentContext,
    capture: DeviceStateCapture,
    offers: OfferedDisk | undefined,
  ) {
    this.#job = job;
    this.#context = context;
    this.#capture = capture;
    this.#offers = offers;
    this.worn.catch(() => undefined);
  }

  static async prepare(job: GateJob, context: AgentContext): Promise<GateSaves> {
    const options = { parent: job.fifoDir, stallMs: context.timeouts.progressMs };
    const capture = await DeviceStateCapture.prepare(options);
    const expectation = expectationOf(job);
    const offers = typeof job.disk === 'string' ? undefined : await OfferedDisk.watch(job.disk, expectation, context);
    return new GateSaves(job, context, capture, offers);
  }

  /** The restore that comes before any save. */
  async after(restore: StubdomJob): Promise<void> {
    const onEvent: OnEvent = (event) => {
      if (event.event === 'ready') this.#lastTransfer = event.transfer;
      this.#context.onEvent(event);
    };
    const report = transferReport(await runStubdomTransfer(restore, { ...this.#context, onEvent }));
    onEvent({ event: 'done', report });
  }

  /** One save, from the command to COMMITTED. When it rejects, QEMU has come to its end and can be asked again. */
  async run(request: SaveRequest): Promise<void> {
    // The toolstack's reply does not wait until the disk is let go of, but the next save does.
    await this.#last;
    let isSafe: () => void = () => undefined;
    const safe = new Promise<void>((resolve) => {
      isSafe = resolve;
    });
    const whole = this.#save(request, isSafe);
    this.#last = whole.catch(() => undefined);
    await Promise.race([safe, whole]);
  }

  async #save(request: SaveRequest, isSafe: () => void): Promise<void> {
    const { onEvent, log } = this.#context;
    const refusal = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, request.signal, refusal.signal]);
    let begun: Promise<StateSource> | undefined;
    const begin = (): Promise<StateSource> => {
      signal.throwIfAborted();
      begun = this.#capture.begin(request.monitor, request.args);
      return begun;
    };
    let safe = false;
    const onSafe = (): void => {
      safe = true;
      isSafe();
    };
    try {
      // QEMU answers while the disk is looked for; when it cannot be saved, no disk is waited for.
      const savable = assertSavable(request.monitor);
      savable.catch((error: unknown) => setTimeout(() => refusal.abort(error), REFUSAL_MS).unref());
      const task = { role: 'sender', open: this.#opener(request, savable, begin), onSafe } as const;
      const summary = await this.#overDisk(task, { ...this.#context, signal });
      onEvent({ event: 'done', report: transferReport(summary) });
    } catch (cause) {
      const error = StubferryError.from(cause);
      if (error.code === 'DISK_HUNG') this.#wear(error);
      if (safe) {
        log.warn({ error: error.report() }, 'the state is committed, but the transfer disk was not let go of in order');
        return;
      }
      log.warn({ error: error.report() }, 'a save of the toolstack failed');
      onEvent({ event: 'failed', error: error.report() });
      throw error;
    } finally {
      await begun?.catch(() => undefined);
      await this.#capture.finish();
    }
  }

  /** What is done when dom0's agent is on the disk: QEMU is asked. */
  #opener(
    { monitor }: SaveRequest,
    savable: Promise<void>,
    begin: () => Promise<StateSource>,
  ): () => Promise<StateToSend> {
    const { provenance, sha256, qmp } = this.#job;
    const known = provenanceOf(monitor, provenance);
    known.catch(() => undefined);
    return async () => {
      await savable;
      return stateToSend(await begin(), qmp, { opaque: false, unpack: false, sha256, provenance: await known });
    };
  }

  async #overDisk(task: Task, context: AgentContext): Promise<TransferSummary> {
    const run = async (device: BlockDevice, superblock: Superblock): Promise<TransferSummary> => {
      this.#lastTransfer = superblock.transferUuid;
      return runTransfer(device, superblock, task, context);
    };
    try {
      const held = await this.#offers?.take();
      if (held === undefined) {
        const expectation = { ...expectationOf(this.#job), after: this.#lastTransfer };
        return await withTransferDisk(this.#job.disk, expectation, context, run);
      }
      try {
        return await run(held.device, held.superblock);
      } finally {
        await held.release();
      }
    } finally {
      this.#offers?.resume(this.#lastTransfer);
    }
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#offers?.close();
    await this.#capture.close();
  }
}

function expectationOf({ provenance }: GateJob): Expectation {
  return { targetUuid: provenance.targetUuid, transferUuid: undefined, directions: ['save'] };
}
