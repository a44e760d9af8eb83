/**
 * The stubdom's agent for one transfer: finds the disk, and sends or receives as the superblock says.
 *
 *     prepare the ends ---------------------> wait for the disk -> lock the role -> transfer -> let go of QEMU
 *         '-> a QEMU that is to be restored is waited for meanwhile --------------------^
 */

import { StubferryError } from '../../base/errors/index.js';
import type { BlockDevice } from '../../blockdev-utils/index.js';
import type { Direction, Superblock } from '../../formats/protocol/superblock.js';
import type { TransferSummary } from '../../transfer/index.js';
import type { AgentContext, AgentLife } from '../agent-context.js';
import { runTransfer } from '../run-transfer.js';
import type { Provenance } from '../state-to-send.js';
import { type DiskPlace, withTransferDisk } from '../transfer-disk.js';
import { warmUp } from '../warm-up/warm-up.js';
import { prepareRestoring, type RestoreTo, type RestoringEnd, type SpoolOptions } from './restoring-end.js';
import { prepareSaving, type SaveFrom, type SavingEnd } from './saving-end.js';

/** One transfer, as the stubdom sees it. At least one of `save` and `restore` is there. */
export interface StubdomJob extends SpoolOptions {
  /** Where the transfer disk comes from. */
  readonly disk: DiskPlace;
  /** Accept the disk of this transfer only; undefined for any. */
  readonly transferUuid: string | undefined;
  readonly provenance: Provenance;
  /** Where the state comes from, when the disk is for a save. */
  readonly save: SaveFrom | undefined;
  /** Where it goes, when it is for a restore. */
  readonly restore: RestoreTo | undefined;
  readonly opaque: boolean;
  readonly sha256: boolean;
}

/** @throws StubferryError */
export async function runStubdomAgent(job: StubdomJob, context: AgentLife): Promise<TransferSummary> {
  if (context.warmsUp) await warmUp(context.log);
  return runStubdomTransfer(job, context);
}

/** The transfer alone: a QEMU that waits for its state has nothing of a warm-up. @throws StubferryError */
export async function runStubdomTransfer(job: StubdomJob, context: AgentContext): Promise<TransferSummary> {
  const { save, restore, opaque, sha256, provenance } = job;
  const sendable = { opaque, unpack: false, sha256, provenance };
  let saving: SavingEnd | undefined;
  let restoring: RestoringEnd | undefined;
  let safe = false;
  try {
    if (save !== undefined) saving = await prepareSaving(save, sendable, context);
    if (restore !== undefined) restoring = prepareRestoring(restore, job, context);
    const ends = restoring === undefined ? [context.signal] : [context.signal, restoring.failed];
    const summary = await overDisk(job, saving, restoring, { ...context, signal: AbortSignal.any(ends) });
    safe = true;
    return summary;
  } finally {
    await saving?.close(safe);
    await restoring?.close();
  }
}

function overDisk(
  { disk, transferUuid, provenance }: StubdomJob,
  saving: SavingEnd | undefined,
  restoring: RestoringEnd | undefined,
  context: AgentContext,
): Promise<TransferSummary> {
  const directions: Direction[] = [];
  if (saving !== undefined) directions.push('save');
  if (restoring !== undefined) directions.push('restore');
  const expectation = { targetUuid: provenance.targetUuid, transferUuid, directions };
  return withTransferDisk(disk, expectation, context, async (device: BlockDevice, superblock: Superblock) => {
    const end = superblock.direction === 'save' ? saving : restoring;
    if (end === undefined) throw new StubferryError('INTERNAL', `a ${superblock.direction} without an end`);
    if ('open' in end) return runTransfer(device, superblock, { role: 'sender', open: () => end.open() }, context);
    const open = await end.prepare(superblock.transferUuid);
    return runTransfer(device, superblock, { role: 'receiver', open }, context);
  });
}
