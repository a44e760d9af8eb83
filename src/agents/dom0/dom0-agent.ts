/**
 * The dom0 agent for one transfer.
 *
 *     open the destination or the state --> create, lock and format the disk --> attach --> transfer --> detach, remove
 *
 * Everything that can fail without a disk is done before the disk is created.
 */

import { WRITER } from '../../base/version.js';
import { checkLimits, RING_START, type Superblock } from '../../formats/protocol/superblock.js';
import type { TransferSummary } from '../../transfer/index.js';
import type { HotplugDriver } from '../../xen/hotplug/index.js';
import type { AgentLife } from '../agent-context.js';
import type { Provenance } from '../state-to-send.js';
import { carryOut, TransferLifecycle } from '../transfer-lifecycle.js';
import { warmUp } from '../warm-up/warm-up.js';
import type { Dom0Disk } from './dom0-disk.js';
import type { Dom0Work } from './dom0-endpoint.js';
import { dom0Steps } from './dom0-steps.js';

/** The job of the dom0 agent for one transfer. All sizes are in bytes. */
export interface Dom0Job {
  /** The file to create as the transfer disk, or an existing block device to use. */
  readonly disk: string;
  /** Attaches the disk to the stubdom. */
  readonly driver: HotplugDriver;
  readonly transferUuid: string;
  readonly ringLength: number;
  readonly maxPayload: number;
  readonly maxState: number;
  readonly provenance: Provenance;
  /** Whether the disk remains after the transfer. */
  readonly keepDisk: boolean;
  readonly work: Dom0Work;
}

/**
 * Runs one transfer in dom0, after a warm-up if the context requires one.
 * @throws StubferryError: the reason for which the transfer failed, after all resources were released
 */
export async function runDom0Agent(job: Dom0Job, context: AgentLife): Promise<TransferSummary> {
  const { work, provenance, driver } = job;
  const superblock = superblockFor({ ...job, direction: work.direction });
  checkLimits(superblock, job.disk);
  if (context.warmsUp) await warmUp(context.log);
  const disk = { path: job.disk, driver, stubdom: undefined, keep: job.keepDisk };
  const onAttached = ({ kind, attachment }: Dom0Disk): void => {
    context.onEvent({ event: 'attached', driver: driver.name, device: attachment.device, backing: kind });
  };
  const steps = dom0Steps({ work, provenance, superblock, disk, onAttached });
  return carryOut(new TransferLifecycle(steps, context.log), context);
}

/** Returns the superblock of the disk for a transfer. */
export function superblockFor(
  job: Pick<Dom0Job, 'transferUuid' | 'ringLength' | 'maxPayload' | 'maxState' | 'provenance'> &
    Pick<Superblock, 'direction'>,
): Superblock {
  return {
    ringStart: RING_START,
    ringLength: job.ringLength,
    transferUuid: job.transferUuid,
    targetUuid: job.provenance.targetUuid,
    targetDomid: job.provenance.targetDomid,
    direction: job.direction,
    maxPayload: job.maxPayload,
    maxState: job.maxState,
    writer: WRITER,
  };
}
