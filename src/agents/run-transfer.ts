/**
 * Runs one side of a transfer on an open disk. Whatever happens, it writes the final status to the disk and reports the
 * same events and log messages.
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

/** The part of this side in a transfer. */
export type Task =
  | {
      readonly role: 'sender';
      /**
       * Opens the state. Called when this side has opened the link, so that the peer receives the reason of a failure.
       */
      readonly open: () => Promise<StateToSend>;
      /** Called when the sender has read the acknowledgement, before the link is closed. */
      readonly onAcknowledged?: () => void;
    }
  | {
      readonly role: 'receiver';
      /**
       * Opens the sink. Called when this side has opened the link, so that the peer receives the reason of a failure.
       */
      readonly open: () => Promise<StateSink>;
    };

/** A task whose endpoint is open. */
export interface PreparedTask {
  readonly task: Task;
  /** Releases whatever the transfer has not released. */
  readonly close: () => Promise<void>;
}

/**
 * Runs the transfer and closes the link.
 * @param superblock the superblock of the disk: as dom0 wrote it, or as the stubdom agent read it when it found the
 * disk
 * @throws StubferryError: the reason for which the transfer failed, after it was reported to the peer
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
  log.info({ transfer: transferUuid, role, disk: device.path, access: device.access }, 'opened the transfer disk');
  const callbacks = {
    onProgress: progressEvents(onEvent),
    onPhase: (phase: Phase) => onEvent({ event: 'phase', phase }),
  };
  let last: Phase | StubferryError | undefined;
  try {
    let summary: TransferSummary;
    if (task.role === 'sender') {
      summary = await sendState(link, task.open, callbacks);
      task.onAcknowledged?.();
      last = 'done';
    } else {
      summary = await receiveState(link, await task.open(), callbacks);
      await lingerForSender(link);
    }
    const report = transferReport(summary);
    log.info({ transfer: transferUuid, role, ...report }, 'transfer done');
    return summary;
  } catch (error) {
    last = StubferryError.from(error);
    // Level info is enough: the caller reports the error with an event or a message.
    log.info({ transfer: transferUuid, role, error: last.report() }, 'transfer failed');
    throw last;
  } finally {
    await link.close(last);
  }
}
