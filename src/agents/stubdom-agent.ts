/**
 * The stubdom's agent for one transfer: finds the disk, and sends or receives as the superblock says.
 *
 *     open the source -> wait for the disk -> lock the role -> transfer
 */

import type { Direction } from '../codec/superblock.js';
import { type FileIdentity, openSource, outputFor, RawSink, ReadyOutput } from '../endpoints/index.js';
import { StubferryError } from '../errors/index.js';
import type { StateSource, StateToSend, TransferSummary } from '../transfer/index.js';
import type { AgentContext } from './agent-context.js';
import { findDisk } from './find-disk.js';
import { rehearse } from './rehearsal.js';
import { lockStubdomRole } from './role-lock.js';
import { type PreparedTask, runTransfer } from './run-transfer.js';
import { type Provenance, stateToSend } from './state-to-send.js';

/** One transfer, as the stubdom sees it. */
export interface StubdomJob {
  /** Device node or file of the transfer disk. */
  readonly disk: string;
  /** Accept the disk of this transfer only; undefined for any. */
  readonly transferUuid: string | undefined;
  readonly provenance: Provenance;
  /** Where the state comes from in a save: file, FIFO or `-`. */
  readonly source: string | undefined;
  /** Where it goes in a restore. */
  readonly sink: string | undefined;
  readonly opaque: boolean;
  readonly sha256: boolean;
  readonly replace: boolean;
  readonly spoolFolder: string;
  readonly spoolLimit: number;
}

/** @throws StubferryError */
export async function runStubdomAgent(job: StubdomJob, context: AgentContext): Promise<TransferSummary> {
  await rehearse();
  const directions: Direction[] = [];
  if (job.source !== undefined) directions.push('save');
  if (job.sink !== undefined) directions.push('restore');
  const { transferUuid } = job;
  const { targetUuid } = job.provenance;
  const source = job.source === undefined ? undefined : await openSource(job.source);
  try {
    const expectation = { targetUuid, transferUuid, directions };
    const { device, superblock } = await findDisk(job.disk, expectation, context);
    try {
      const lock = await lockStubdomRole(job.disk);
      try {
        const { task, close } =
          superblock.direction === 'save'
            ? sending(job, source)
            : await receiving(job, superblock.transferUuid, context);
        try {
          return await runTransfer(device, superblock, task, context);
        } finally {
          await close();
        }
      } finally {
        await lock.release();
      }
    } finally {
      await device.close();
    }
  } finally {
    await source?.close();
  }
}

function sending(job: StubdomJob, source: StateSource | undefined): PreparedTask {
  if (source === undefined || job.source === undefined) throw new StubferryError('INTERNAL', 'a save without a source');
  const where = job.source === '-' ? 'standard input' : job.source;
  const { opaque, sha256, provenance } = job;
  const open = (): Promise<StateToSend> => stateToSend(source, where, { opaque, unpack: false, sha256, provenance });
  return { task: { role: 'sender', open }, close: async () => undefined };
}

async function receiving(job: StubdomJob, transferUuid: string, context: AgentContext): Promise<PreparedTask> {
  if (job.sink === undefined) throw new StubferryError('INTERNAL', 'a restore without a sink');
  const { replace, spoolFolder, spoolLimit } = job;
  const readerMs = context.timeouts.absentMs;
  const onPublish = (file: FileIdentity): void => context.onEvent({ event: 'publishing', file });
  const open = await outputFor(job.sink, { transferUuid, replace, onPublish, spoolFolder, spoolLimit, readerMs });
  const ready = await ReadyOutput.prepare(open);
  return { task: { role: 'receiver', sink: new RawSink(ready.open) }, close: () => ready.close() };
}
