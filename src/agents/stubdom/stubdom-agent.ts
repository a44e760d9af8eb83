/**
 * The stubdom agent for one transfer. It finds the disk, and sends or receives as the superblock requires.
 *
 *     prepare source and target --> wait for the disk --> lock the role --> transfer --> release QEMU
 *         '--> wait for the QEMU to restore ------------------------------------^
 */

import { StubferryError } from '../../base/errors/index.js';
import type { Direction, Superblock } from '../../formats/protocol/superblock.js';
import type { TransferSummary } from '../../transfer/index.js';
import type { AgentContext, AgentLife } from '../agent-context.js';
import type { Task } from '../run-transfer.js';
import type { Provenance } from '../state-to-send.js';
import { carryOut, type Prepare, TransferLifecycle } from '../transfer-lifecycle.js';
import { warmUp } from '../warm-up/warm-up.js';
import type { Expectation } from './find-disk.js';
import { acquireDisk, type DiskOrigin } from './held-disk.js';
import { prepareRestoreTarget, type RestoreTarget, type RestoreTo, type SpoolOptions } from './restore-target.js';
import { prepareSaveSource, type SaveFrom, type SaveSource } from './save-source.js';

/** The job of the stubdom agent for one transfer. At least one of `save` and `restore` must be defined. */
export interface StubdomJob extends SpoolOptions {
  /** The origin of the transfer disk. */
  readonly disk: DiskOrigin;
  /** The UUID of the transfer whose disk is accepted. Undefined accepts any transfer. */
  readonly transferUuid: string | undefined;
  readonly provenance: Provenance;
  /** The source of the state, when the disk is for a save. */
  readonly save: SaveFrom | undefined;
  /** The target of the state, when the disk is for a restore. */
  readonly restore: RestoreTo | undefined;
  /** See {@link SendableOptions.opaque}. */
  readonly opaque: boolean;
  /** See {@link SendableOptions.sha256}. */
  readonly sha256: boolean;
}

/**
 * Runs one transfer in the stubdom, after a warm-up if the context requires one.
 * @throws StubferryError: the reason for which the transfer failed
 */
export async function runStubdomAgent(job: StubdomJob, context: AgentLife): Promise<TransferSummary> {
  if (context.warmsUp) await warmUp(context.log);
  return runStubdomTransfer(job, context);
}

/**
 * Runs one transfer in the stubdom without a warm-up. A QEMU that already waits for its state would only wait longer.
 * @throws StubferryError: the reason for which the transfer failed
 */
export async function runStubdomTransfer(job: StubdomJob, context: AgentContext): Promise<TransferSummary> {
  const target = job.restore === undefined ? undefined : prepareRestoreTarget(job.restore, job, context);
  const signals = target === undefined ? [context.signal] : [context.signal, target.failed];
  const own = { ...context, signal: AbortSignal.any(signals) };
  const prepare = stubdomSteps(job, target, () => lifecycle.isCommitted);
  const lifecycle: TransferLifecycle = new TransferLifecycle(prepare, context.log);
  return carryOut(lifecycle, own);
}

/** @param isCommitted whether the receiver has acknowledged the state: the guest resumes after a failed save */
function stubdomSteps(job: StubdomJob, target: RestoreTarget | undefined, isCommitted: () => boolean): Prepare {
  return async (resources, context) => {
    if (target !== undefined) resources.add('the target of the restore', () => target.close());
    const source = await openSaveSource(job, context);
    if (source !== undefined) resources.add('the source of the save', () => source.close(isCommitted()));
    return async (stack) => {
      const held = await acquireDisk(job.disk, expectationOf(job), context);
      stack.add('the transfer disk', () => held.release());
      return { ...held, task: await taskOn(held.superblock, source, target) };
    };
  };
}

async function openSaveSource(
  { save, opaque, sha256, provenance }: StubdomJob,
  context: AgentContext,
): Promise<SaveSource | undefined> {
  return save === undefined
    ? undefined
    : prepareSaveSource(save, { opaque, unpack: false, sha256, provenance }, context);
}

function expectationOf({ save, restore, provenance, transferUuid }: StubdomJob): Expectation {
  const directions: Direction[] = [];
  if (save !== undefined) directions.push('save');
  if (restore !== undefined) directions.push('restore');
  return { targetUuid: provenance.targetUuid, transferUuid, directions };
}

/** The superblock of the disk decides whether the source or the target is used. */
async function taskOn(
  { direction, transferUuid }: Superblock,
  source: SaveSource | undefined,
  target: RestoreTarget | undefined,
): Promise<Task> {
  if (direction === 'save' && source !== undefined) return { role: 'sender', open: () => source.open() };
  if (direction === 'restore' && target !== undefined)
    return { role: 'receiver', open: await target.prepare(transferUuid) };
  throw new StubferryError('INTERNAL', `a ${direction} without an endpoint`);
}
