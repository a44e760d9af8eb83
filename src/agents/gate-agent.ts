/**
 * The stubdom's agent as a service, for as long as its QEMU lives: the gate of the toolstack, one transfer for each save.
 *
 *     start -> (restore, once) -> wait --save command--> disk, dom0's agent -> QEMU writes -> COMMITTED --reply--> wait
 *                                  ^                                    '--error: the reply says why--'
 *
 * QEMU is asked for its state only when the disk is there with dom0's agent on it: until then nothing has happened, and a save
 * that fails early costs nothing. What must be made for a save is made before the toolstack asks for one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StubferryError } from '../errors/index.js';
import { assertSavable, DeviceStateCapture } from '../qemu/index.js';
import { QmpGate, type SaveRequest } from '../qmp/index.js';
import type { StateSource, StateToSend, TransferSummary } from '../transfer/index.js';
import type { AgentContext } from './agent-context.js';
import { rehearse } from './rehearsal.js';
import { runTransfer } from './run-transfer.js';
import { provenanceOf } from './saving-end.js';
import { type Provenance, stateToSend } from './state-to-send.js';
import { runStubdomAgent, type StubdomJob } from './stubdom-agent.js';
import { withTransferDisk } from './transfer-disk.js';
import { transferReport } from './transfer-report.js';

export interface GateJob {
  /** Socket to listen on for the toolstack. */
  readonly listen: string;
  /** Socket of QEMU's monitor. */
  readonly qmp: string;
  /** Device node or file of the transfer disks: they come one after the other. */
  readonly disk: string;
  readonly provenance: Provenance;
  readonly sha256: boolean;
  /** Where a folder for FIFOs is made. */
  readonly folder: string;
  /** What QEMU waits for at its start; undefined when it was started without `-incoming`. */
  readonly restore: StubdomJob | undefined;
}

/** Runs until the context's signal is aborted. @throws StubferryError GATE_UNUSABLE, and why the restore failed */
export async function runGateAgent(job: GateJob, context: AgentContext): Promise<never> {
  await rehearse();
  const folder = await mkdtemp(join(job.folder, 'stubferry-qemu-'));
  try {
    let open: () => void = () => undefined;
    const opening = new Promise<void>((resolve) => {
      open = resolve;
    });
    const saves = await GateSaves.prepare(job, folder, context);
    const gate = await QmpGate.listen({
      listen: job.listen,
      qemu: job.qmp,
      onSave: (request) => saves.run(request),
      onNews: (news) => context.log.debug({ gate: job.listen }, `toolstack ${news}`),
      patienceMs: context.timeouts.absentMs,
      opening,
    });
    context.onEvent({ event: 'listening', gate: job.listen });
    let reason: unknown;
    try {
      if (job.restore !== undefined) await restoreOnce(job.restore, context);
      open();
      await aborted(context.signal);
    } catch (error) {
      reason = error;
      throw error;
    } finally {
      await gate.close(StubferryError.from(reason));
      await saves.close();
    }
    throw new StubferryError('INTERNAL', 'the gate ended by itself');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function restoreOnce(job: StubdomJob, context: AgentContext): Promise<void> {
  const report = transferReport(await runStubdomAgent(job, context));
  context.onEvent({ event: 'done', report });
}

/** Rejects with the reason of `signal` when it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** The saves that toolstacks ask for; the gate lets one at a time. */
class GateSaves {
  readonly #job: GateJob;
  readonly #context: AgentContext;
  readonly #capture: DeviceStateCapture;
  /** Transfers that were begun: their disks are not taken again. */
  readonly #over = new Set<string>();
  #last: Promise<void> = Promise.resolve();

  private constructor(job: GateJob, context: AgentContext, capture: DeviceStateCapture) {
    this.#job = job;
    this.#context = context;
    this.#capture = capture;
  }

  static async prepare(job: GateJob, folder: string, context: AgentContext): Promise<GateSaves> {
    const stallMs = context.timeouts.progressMs;
    return new GateSaves(job, context, await DeviceStateCapture.prepare({ folder, stallMs }));
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
    const context = { ...this.#context, signal: AbortSignal.any([this.#context.signal, request.signal]) };
    let begun: Promise<StateSource> | undefined;
    const begin = (): Promise<StateSource> => {
      context.signal.throwIfAborted();
      begun = this.#capture.begin(request.monitor, request.args);
      return begun;
    };
    try {
      const summary = await this.#overDisk(request, begin, isSafe, context);
      onEvent({ event: 'done', report: transferReport(summary) });
    } catch (cause) {
      const error = StubferryError.from(cause);
      log.warn({ error: error.report() }, 'a save of the toolstack failed');
      onEvent({ event: 'failed', error: error.report() });
      throw error;
    } finally {
      await begun?.catch(() => undefined);
      await this.#capture.finish();
    }
  }

  #overDisk(
    { monitor }: SaveRequest,
    begin: () => Promise<StateSource>,
    onSafe: () => void,
    context: AgentContext,
  ): Promise<TransferSummary> {
    const { disk, provenance, sha256, qmp } = this.#job;
    // QEMU answers while the disk is looked for.
    const savable = assertSavable(monitor);
    const known = provenanceOf(monitor, provenance);
    for (const answer of [savable, known]) answer.catch(() => undefined);
    const open = async (): Promise<StateToSend> => {
      await savable;
      const options = { opaque: false, unpack: false, sha256, provenance: await known };
      return stateToSend(await begin(), qmp, options);
    };
    const { targetUuid } = provenance;
    const expectation = { targetUuid, transferUuid: undefined, directions: ['save' as const], except: this.#over };
    return withTransferDisk(disk, expectation, context, async (device, superblock) => {
      this.#over.add(superblock.transferUuid);
      return runTransfer(device, superblock, { role: 'sender', open, onSafe }, context);
    });
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#capture.close();
  }
}
