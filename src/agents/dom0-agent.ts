/**
 * The dom0 agent for one transfer.
 *
 *     open the destination, or the state -> create, lock and format the disk -> attach -> transfer -> detach, remove the disk
 *
 * What can fail without a disk fails before there is one.
 */
import { unlink } from 'node:fs/promises';
import { backingOf, createImage, lockExclusive, openDevice } from '../blockdev-utils/index.js';
import { diskSizeFor, formatDisk } from '../channel/index.js';
import { checkLimits, RING_START, type Superblock } from '../codec/superblock.js';
import { type FileIdentity, openSource, outputFor, RawSink, ReadyOutput } from '../endpoints/index.js';
import { StubferryError } from '../errors/index.js';
import { type Attachment, DRIVERS, type DriverName, type HotplugDriver } from '../hotplug/index.js';
import { StatefileSink } from '../statefile/index.js';
import type { StateSource, StateToSend, TransferSummary } from '../transfer/index.js';
import { WRITER } from '../version.js';
import type { AgentContext } from './agent-context.js';
import { withDiskDeadline } from './disk-deadline.js';
import { rehearse } from './rehearsal.js';
import { roleLockPath } from './role-lock.js';
import { type PreparedTask, runTransfer, type Task } from './run-transfer.js';
import { type Provenance, stateToSend } from './state-to-send.js';
import { untilAborted } from './until-aborted.js';

/** One transfer, as dom0 sees it. Sizes in bytes. */
export interface Dom0Job {
  /** The file to create as the transfer disk. */
  readonly disk: string;
  /** How it comes to the stubdom. */
  readonly attach: DriverName;
  readonly transferUuid: string;
  readonly ringLength: number;
  readonly maxPayload: number;
  readonly maxState: number;
  readonly provenance: Provenance;
  readonly keepDisk: boolean;
  readonly work:
    | {
        readonly direction: 'save';
        /** File, FIFO or `-`. */
        readonly output: string;
        /** The bare state instead of a statefile. */
        readonly raw: boolean;
        readonly replace: boolean;
        readonly spoolFolder: string;
        readonly spoolLimit: number;
      }
    | {
        readonly direction: 'restore';
        readonly input: string;
        readonly opaque: boolean;
        readonly sha256: boolean;
      };
}

/** @throws StubferryError; nothing is left behind then */
export async function runDom0Agent(job: Dom0Job, context: AgentContext): Promise<TransferSummary> {
  const superblock = superblockFor(job);
  checkLimits(superblock, job.disk);
  await rehearse();
  const { task, close } = await prepare(job, context);
  try {
    await createImage(job.disk, diskSizeFor(job.ringLength));
    try {
      return await overDisk(job, superblock, task, context);
    } finally {
      await unlink(roleLockPath(job.disk)).catch(() => undefined);
      if (!job.keepDisk) await unlink(job.disk).catch(() => undefined);
    }
  } finally {
    await close();
  }
}

function superblockFor(job: Dom0Job): Superblock {
  return {
    ringStart: RING_START,
    ringLength: job.ringLength,
    transferUuid: job.transferUuid,
    targetUuid: job.provenance.targetUuid,
    targetDomid: job.provenance.targetDomid,
    direction: job.work.direction,
    maxPayload: job.maxPayload,
    maxState: job.maxState,
    writer: WRITER,
  };
}

async function prepare(job: Dom0Job, context: AgentContext): Promise<PreparedTask> {
  const { work, transferUuid, provenance } = job;
  if (work.direction === 'restore') {
    const source: StateSource = await openSource(work.input);
    const open = (): Promise<StateToSend> => {
      return stateToSend(source, work.input, { opaque: work.opaque, unpack: true, sha256: work.sha256, provenance });
    };
    // Nothing can be refused of opaque bytes, so they are not waited for before there is a disk.
    if (work.opaque) return { task: { role: 'sender', open }, close: () => source.close() };
    try {
      // Recognised here and now, so that what is no state is refused before there is a disk.
      const state = await untilAborted(context.signal, open());
      return { task: { role: 'sender', open: async () => state }, close: () => state.source.close() };
    } catch (error) {
      await source.close();
      throw error;
    }
  }
  const { output, raw, replace, spoolFolder, spoolLimit } = work;
  const readerMs = context.timeouts.absentMs;
  const onPublish = (file: FileIdentity): void => context.onEvent({ event: 'publishing', file });
  const open = await outputFor(output, { transferUuid, replace, onPublish, spoolFolder, spoolLimit, readerMs });
  const ready = await ReadyOutput.prepare(open);
  const sink = raw ? new RawSink(ready.open) : new StatefileSink(ready.open, { transferUuid, writer: WRITER });
  return { task: { role: 'receiver', sink }, close: () => ready.close() };
}

async function overDisk(
  job: Dom0Job,
  superblock: Superblock,
  task: Task,
  context: AgentContext,
): Promise<TransferSummary> {
  const driver = DRIVERS[job.attach];
  const kind = await backingOf(job.disk);
  const lock = await lockExclusive(job.disk);
  const device = await openDevice(job.disk, { access: driver.accessTo(kind) });
  try {
    await withDiskDeadline(job.disk, context, formatDisk(device, superblock));
    // Formatted and locked first: whoever sees it attached sees a transfer disk, with an owner.
    const attachment = await driver.attach(job.disk, kind);
    context.onEvent({ event: 'attached', driver: job.attach, device: attachment.device, backing: kind });
    try {
      return await runTransfer(device, superblock, task, context);
    } finally {
      await detach(driver, attachment, context);
    }
  } finally {
    await device.close();
    await lock.release();
  }
}

/** A disk that stays attached does not change what became of the state; whoever lists the leftovers finds it. */
async function detach(driver: HotplugDriver, attachment: Attachment, { log }: AgentContext): Promise<void> {
  try {
    await driver.detach(attachment);
  } catch (cause) {
    log.warn({ ...attachment, error: StubferryError.from(cause).report() }, 'the transfer disk could not be detached');
  }
}
