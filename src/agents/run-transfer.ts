/**
 * One transfer on one link, from either side: the last word on the disk, and the same events, whatever happens.
 */

import { StubferryError } from '../base/errors/index.js';
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Phase, Role } from '../formats/protocol/control-block.js';
import type { Superblock } from '../formats/protocol/superblock.js';
import type { StateSink } from '../formats/state-sink.js';
import { lingerForSender, receiveState, type StateToSend, sendState, type TransferSummary } from '../transfer/index.js';
import { Link } from '../transfer/ring/index.js';
import type { AgentContext } from './agent-context.js';
import { progressEvents } from './agent-events.js';
import { withDiskDeadline } from './disk-deadline.js';
import { transferReport } from './transfer-report.js';

/** What this side does on the link. */
export type Task =
  | {
      readonly role: 'sender';
      readonly open: () => Promise<StateToSend>;
      /** Told of COMMITTED at once, before the disk is let go of. */
      readonly onSafe?: () => void;
    }
  | {
      readonly role: 'receiver';
      /** Called when this side is on the disk: the peer hears why it fails. */
      readonly open: () => Promise<StateSink>;
    };

/** A task whose endpoints are open; `close` lets go of what the transfer did not. */
export interface PreparedTask {
  readonly task: Task;
  readonly close: () => Promise<void>;
}

/**
 * @param superblock of the disk: as dom0 wrote it, or as the stubdom's agent found it when it recognised the disk
 * @throws StubferryError after the peer was told of it
 */
export async function runTransfer(
  device: BlockDevice,
  superblock: Superblock,
  task: Task,
  context: AgentContext,
): Promise<TransferSummary> {
  const { timeouts, signal, onEvent, log } = context;
  const role: Role = task.role;
  const opening = Link.open(device, role, { superblock, timeouts, signal });
  const link = await withDiskDeadline(device.path, context, opening, (late) => late.close());
  const { transferUuid, direction } = superblock;
  onEvent({ event: 'ready', transfer: transferUuid, direction, access: device.access });
  log.info({ transfer: transferUuid, role, disk: device.path, access: device.access }, 'on the transfer disk');
  const following = {
    onProgress: progressEvents(onEvent),
    onPhase: (phase: Phase) => onEvent({ event: 'phase', phase }),
  };
  let last: Phase | StubferryError | undefined;
  try {
    let summary: TransferSummary;
    if (task.role === 'sender') {
      summary = await sendState(link, task.open, following);
      task.onSafe?.();
      last = 'done';
    } else {
      summary = await receiveState(link, await task.open(), following);
      await lingerForSender(link);
    }
    const report = transferReport(summary);
    log.info({ transfer: transferUuid, role, ...report }, 'transfer done');
    return summary;
  } catch (error) {
    last = StubferryError.from(error);
    // Not louder: whoever ran the agent is told by its event or by its message.
    log.info({ transfer: transferUuid, role, error: last.report() }, 'transfer failed');
    throw last;
  } finally {
    await link.close(last);
  }
}
