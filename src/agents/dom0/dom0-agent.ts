/**
 * The dom0 agent for one transfer.
 *
 *     open the destination, or the state -> create, lock and format the disk -> attach -> transfer -> detach, remove the disk
 *
 * What can fail without a disk fails before there is one.
 */

import { WRITER } from '../../base/version.js';
import { checkLimits, RING_START, type Superblock } from '../../formats/protocol/superblock.js';
import type { TransferSummary } from '../../transfer/index.js';
import type { HotplugDriver } from '../../xen/hotplug/index.js';
import type { AgentLife } from '../agent-context.js';
import { runTransfer } from '../run-transfer.js';
import type { Provenance } from '../state-to-send.js';
import { warmUp } from '../warm-up/warm-up.js';
import { Dom0Disk } from './dom0-disk.js';
import { type Dom0Work, prepareDom0End } from './dom0-end.js';

/** One transfer, as dom0 sees it. Sizes in bytes. */
export interface Dom0Job {
  /** The file to create as the transfer disk. */
  readonly disk: string;
  /** How it comes to the stubdom. */
  readonly driver: HotplugDriver;
  readonly transferUuid: string;
  readonly ringLength: number;
  readonly maxPayload: number;
  readonly maxState: number;
  readonly provenance: Provenance;
  readonly keepDisk: boolean;
  readonly work: Dom0Work;
}

/** @throws StubferryError; nothing is left behind then */
export async function runDom0Agent(job: Dom0Job, context: AgentLife): Promise<TransferSummary> {
  const superblock = superblockFor({ ...job, direction: job.work.direction });
  checkLimits(superblock, job.disk);
  if (context.warmsUp) await warmUp(context.log);
  const { task, close } = await prepareDom0End(job.work, job, context);
  try {
    const options = { path: job.disk, superblock, driver: job.driver, stubdom: undefined, keep: job.keepDisk };
    const disk = await Dom0Disk.make(options, context);
    try {
      const { kind, attachment } = disk;
      context.onEvent({ event: 'attached', driver: job.driver.name, device: attachment.device, backing: kind });
      return await runTransfer(disk.device, superblock, task, context);
    } finally {
      await disk.remove();
    }
  } finally {
    await close();
  }
}

/** The superblock of a disk for that transfer. */
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
