/**
 * The saves of the QMP proxy. Each runs from the toolstack's command to COMMITTED, one after the other.
 *
 *     command --> checks QEMU's migration blockers ---.
 *            '--> held disk, or a requested disk -----+--> dom0 agent is ready --> QEMU writes --> COMMITTED
 *
 * QEMU receives the command only when the disk is attached and the dom0 agent is ready. Before that, nothing has
 * changed, and a failed save has no effect.
 */

import { StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import type { StateSource } from '../../formats/state-source.js';
import { assertNoMigrationBlockers, DeviceStateCapture } from '../../qemu/index.js';
import type { SaveRequest } from '../../qemu/proxy/index.js';
import type { StateToSend } from '../../transfer/index.js';
import type { AgentContext } from '../agent-context.js';
import { withDiskDeadline } from '../disk-deadline.js';
import { type Provenance, stateToSend } from '../state-to-send.js';
import { type Prepare, TransferLifecycle } from '../transfer-lifecycle.js';
import { transferReport } from '../transfer-report.js';
import type { Expectation } from './find-disk.js';
import type { FirstRestore } from './first-restore.js';
import { acquireDisk, type DiskOrigin } from './held-disk.js';
import { PreAttachedDisk } from './pre-attached-disk.js';
import { provenanceOf } from './save-source.js';

/** The job of {@link ProxySaves}. */
export interface SavesJob {
  /** The socket of QEMU's monitor. */
  readonly qmp: string;
  /** The origin of the transfer disks. Each save uses another disk. */
  readonly disk: DiskOrigin;
  readonly provenance: Provenance;
  readonly sha256: boolean;
  /** The parent directory of the directory for the FIFOs. */
  readonly fifoDir: string;
}

/** Runs the saves that toolstacks request, one at a time. */
export class ProxySaves {
  readonly #job: SavesJob;
  readonly #context: AgentContext;
  readonly #capture: DeviceStateCapture;
  /** Undefined when the disk comes from a path. */
  readonly #preAttached: PreAttachedDisk | undefined;
  /** The UUID of the last transfer. Its disk is not used again. */
  #lastTransfer: string | undefined;
  #last: Promise<void> = Promise.resolve();
  #makeUnusable: (error: StubferryError) => void = () => undefined;
  /** Rejects when this process has become unusable, because each request to a disk that hangs blocks an I/O thread. */
  readonly unusable = new Promise<never>((_, reject) => {
    this.#makeUnusable = reject;
  });

  private constructor(
    job: SavesJob,
    context: AgentContext,
    capture: DeviceStateCapture,
    preAttached: PreAttachedDisk | undefined,
  ) {
    this.#job = job;
    this.#context = context;
    this.#capture = capture;
    this.#preAttached = preAttached;
    this.unusable.catch(() => undefined);
  }

  /**
   * Makes the FIFO and watches for pre-attached disks.
   * @throws StubferryError: errors of the file system and of xenstore
   */
  static async prepare(job: SavesJob, context: AgentContext): Promise<ProxySaves> {
    const options = { parent: job.fifoDir, stallMs: context.timeouts.progressMs };
    const capture = await DeviceStateCapture.prepare(options);
    const expectation = expectationOf(job);
    const preAttached =
      typeof job.disk === 'string' ? undefined : await PreAttachedDisk.watch(job.disk, expectation, context);
    return new ProxySaves(job, context, capture, preAttached);
  }

  /** Waits for the restore that precedes all saves. @throws StubferryError: the reason for which the restore failed */
  async after(restore: FirstRestore): Promise<void> {
    await restore.loaded;
    this.#lastTransfer = restore.transferUuid;
  }

  /**
   * Runs one save, from the command to COMMITTED. When it rejects, QEMU has finished its own save and accepts another
   * one.
   * @throws StubferryError: the reason for which the save failed
   */
  async run(request: SaveRequest): Promise<void> {
    this.#context.log.info({ qmp: this.#job.qmp }, 'the toolstack requests a save');
    // The reply to the toolstack does not wait for the release of the disk, but the next save does.
    await this.#untilReleased(this.#context.signal);
    let onAcknowledged: () => void = () => undefined;
    const acknowledged = new Promise<void>((resolve) => {
      onAcknowledged = resolve;
    });
    const whole = this.#save(request, onAcknowledged);
    this.#last = whole.catch(() => undefined);
    await Promise.race([acknowledged, whole]);
  }

  /**
   * Waits until the last save has released its disk.
   * @throws StubferryError DISK_HUNG: when that takes too long; the reason of the signal
   */
  async #untilReleased(signal: AbortSignal): Promise<void> {
    try {
      await withDiskDeadline('the disk of the last save', { ...this.#context, signal }, this.#last);
    } catch (cause) {
      const error = StubferryError.from(cause);
      if (error.code === 'DISK_HUNG') this.#makeUnusable(error);
      this.#context.log.warn({ error: error.report() }, 'the last save does not release its disk');
      throw error;
    }
  }

  async #save(request: SaveRequest, onAcknowledged: () => void): Promise<void> {
    const { onEvent, log } = this.#context;
    const refusal = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, request.signal, refusal.signal]);
    // QEMU replies while the disk is acquired. When QEMU refuses, the wait for the disk ends after
    // TIMEOUTS.refusedSave.
    const blockers = assertNoMigrationBlockers(request.monitor);
    blockers.catch((error: unknown) => setTimeout(() => refusal.abort(error), TIMEOUTS.refusedSave).unref());
    const context = { ...this.#context, signal };
    const lifecycle = new TransferLifecycle(this.#steps(request, blockers, signal, onAcknowledged), log);
    try {
      await lifecycle.begin(context);
      const summary = await lifecycle.run(context);
      await lifecycle.release();
      onEvent({ event: 'done', report: transferReport(summary) });
    } catch (cause) {
      const error = StubferryError.from(cause);
      if (error.code === 'DISK_HUNG') this.#makeUnusable(error);
      await lifecycle.release();
      if (lifecycle.isCommitted) {
        log.warn({ error: error.report() }, 'the state is committed, but the transfer did not end cleanly');
        return;
      }
      log.warn({ error: error.report() }, 'the save failed');
      onEvent({ event: 'failed', error: error.report() });
      throw error;
    }
  }

  #steps(request: SaveRequest, blockers: Promise<void>, signal: AbortSignal, onAcknowledged: () => void): Prepare {
    const { disk, provenance, sha256, qmp } = this.#job;
    let begun: Promise<StateSource> | undefined;
    const known = provenanceOf(request.monitor, provenance);
    known.catch(() => undefined);
    const open = async (): Promise<StateToSend> => {
      await blockers;
      signal.throwIfAborted();
      begun = this.#capture.begin(request.monitor, request.args);
      return stateToSend(await begun, qmp, { opaque: false, unpack: false, sha256, provenance: await known });
    };
    return async (resources) => {
      resources.add('the capture of QEMU', async () => {
        await begun?.catch(() => undefined);
        await this.#capture.finish();
      });
      return async (stack, context) => {
        const preAttached = this.#preAttached;
        if (preAttached !== undefined)
          stack.add('the watch on pre-attached disks', async () => preAttached.resume(this.#lastTransfer));
        const expectation = { ...expectationOf(this.#job), after: this.#lastTransfer };
        // A disk that is taken must be used: dom0 keeps one that nobody came to for as long as it may be prepared.
        context.signal.throwIfAborted();
        const held = (await preAttached?.take()) ?? (await acquireDisk(disk, expectation, context));
        stack.add('the transfer disk', () => held.release());
        this.#lastTransfer = held.superblock.transferUuid;
        return { ...held, task: { role: 'sender', open, onAcknowledged } };
      };
    };
  }

  /** Waits for the last save, but not for a disk that hangs, and releases everything. */
  async close(): Promise<void> {
    // When the disk hangs, the exit of this process releases it.
    await this.#untilReleased(new AbortController().signal).catch(() => undefined);
    await this.#preAttached?.close();
    await this.#capture.close();
  }
}

function expectationOf({ provenance }: SavesJob): Expectation {
  return { targetUuid: provenance.targetUuid, transferUuid: undefined, directions: ['save'] };
}
