/**
 * What the proxy does for a save of the toolstack: from the command to COMMITTED, one after the other.
 *
 *     command --> QEMU can be saved? ------------------------------.
 *            '--> the disk that is held, else dom0 is asked for one --> dom0's agent is on it --> QEMU writes --> COMMITTED
 *
 * QEMU is asked for its state only when the disk is there with dom0's agent on it: until then nothing has happened, and a save
 * that fails early costs nothing.
 */

import { StubferryError } from '../../base/errors/index.js';
import type { BlockDevice } from '../../blockdev-utils/index.js';
import type { Superblock } from '../../formats/protocol/superblock.js';
import type { StateSource } from '../../formats/state-source.js';
import { assertNoMigrationBlockers, DeviceStateCapture } from '../../qemu/index.js';
import type { SaveRequest } from '../../qemu/proxy/index.js';
import type { StateToSend, TransferSummary } from '../../transfer/index.js';
import type { AgentContext } from '../agent-context.js';
import { withDiskDeadline } from '../disk-deadline.js';
import { runTransfer, type Task } from '../run-transfer.js';
import { type Provenance, stateToSend } from '../state-to-send.js';
import { type DiskPlace, withTransferDisk } from '../transfer-disk.js';
import { transferReport } from '../transfer-report.js';
import type { Expectation } from './find-disk.js';
import type { FirstRestore } from './first-restore.js';
import { PreAttachedDisk } from './pre-attached-disk.js';
import { provenanceOf } from './saving-end.js';

export interface SavesJob {
  /** Socket of QEMU's monitor. */
  readonly qmp: string;
  /** Where the transfer disks come from: one after the other. */
  readonly disk: DiskPlace;
  readonly provenance: Provenance;
  readonly sha256: boolean;
  /** Where a folder for FIFOs is made. */
  readonly fifoDir: string;
}

/** After QEMU has refused: for a disk that is there to be found, so that dom0's agent hears of it, milliseconds. */
const REFUSAL_MS = 200;

/** The saves that toolstacks ask for; the proxy lets one at a time. */
export class ProxySaves {
  readonly #job: SavesJob;
  readonly #context: AgentContext;
  readonly #capture: DeviceStateCapture;
  /** Where dom0 can be asked, it may also offer. */
  readonly #offers: PreAttachedDisk | undefined;
  /** The transfer that was begun last: its disk is not taken again. */
  #lastTransfer: string | undefined;
  #last: Promise<void> = Promise.resolve();
  #wear: (error: StubferryError) => void = () => undefined;
  /** Rejects when this process cannot be used any more: each request to a disk that hangs holds an I/O thread for ever. */
  readonly worn = new Promise<never>((_, reject) => {
    this.#wear = reject;
  });

  private constructor(
    job: SavesJob,
    context: AgentContext,
    capture: DeviceStateCapture,
    offers: PreAttachedDisk | undefined,
  ) {
    this.#job = job;
    this.#context = context;
    this.#capture = capture;
    this.#offers = offers;
    this.worn.catch(() => undefined);
  }

  static async prepare(job: SavesJob, context: AgentContext): Promise<ProxySaves> {
    const options = { parent: job.fifoDir, stallMs: context.timeouts.progressMs };
    const capture = await DeviceStateCapture.prepare(options);
    const expectation = expectationOf(job);
    const offers =
      typeof job.disk === 'string' ? undefined : await PreAttachedDisk.watch(job.disk, expectation, context);
    return new ProxySaves(job, context, capture, offers);
  }

  /** The restore that comes before any save. */
  async after(restore: FirstRestore): Promise<void> {
    await restore.loaded;
    this.#lastTransfer = restore.transferUuid;
  }

  /** One save, from the command to COMMITTED. When it rejects, QEMU has come to its end and can be asked again. */
  async run(request: SaveRequest): Promise<void> {
    this.#context.log.info({ qmp: this.#job.qmp }, 'the toolstack asks for a save');
    // The toolstack's reply does not wait until the disk is let go of, but the next save does.
    await this.#untilLetGo(this.#context.signal);
    let isSafe: () => void = () => undefined;
    const safe = new Promise<void>((resolve) => {
      isSafe = resolve;
    });
    const whole = this.#save(request, isSafe);
    this.#last = whole.catch(() => undefined);
    await Promise.race([safe, whole]);
  }

  /** @throws StubferryError DISK_HUNG; the reason of an abort */
  async #untilLetGo(signal: AbortSignal): Promise<void> {
    try {
      await withDiskDeadline('the disk of the last save', { ...this.#context, signal }, this.#last);
    } catch (cause) {
      const error = StubferryError.from(cause);
      if (error.code === 'DISK_HUNG') this.#wear(error);
      this.#context.log.warn({ error: error.report() }, 'the last save does not let go of its disk');
      throw error;
    }
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
      const savable = assertNoMigrationBlockers(request.monitor);
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
    // With all that it holds this process ends in any case.
    await this.#untilLetGo(new AbortController().signal).catch(() => undefined);
    await this.#offers?.close();
    await this.#capture.close();
  }
}

function expectationOf({ provenance }: SavesJob): Expectation {
  return { targetUuid: provenance.targetUuid, transferUuid: undefined, directions: ['save'] };
}
