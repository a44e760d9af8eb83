/**
 * Waits until the transfer disk is usable, and checks that it belongs to this transfer.
 *
 * A vbd frontend can be in the state Connected before its device node exists, a node can exist before its disk
 * responds, and a file can exist before dom0 has formatted it. A disk is therefore usable when it can be opened and
 * read and has a superblock.
 */
import { stat } from 'node:fs/promises';
import { type ErrorCode, errnoOf, StubferryError } from '../../base/errors/index.js';
import { StallTimer, systemClock } from '../../base/time/index.js';
import { type AccessPath, type BlockDevice, notifyingDevice, openDevice } from '../../blockdev-utils/index.js';
import type { Direction, Superblock } from '../../formats/protocol/superblock.js';
import { NIL_UUID } from '../../formats/protocol/uuid.js';
import { isOver, PollBackoff, readSuperblock } from '../../transfer/ring/index.js';
import type { AgentContext } from '../agent-context.js';
import { withDiskDeadline } from '../disk-deadline.js';

/** An open transfer disk and its superblock. */
export interface FoundDisk {
  readonly device: BlockDevice;
  readonly superblock: Superblock;
}

/** The transfers whose disk is accepted. */
export interface Expectation {
  /** The target's UUID. The nil UUID accepts any target. */
  readonly targetUuid: string;
  /** The transfer's UUID. Undefined accepts any transfer. */
  readonly transferUuid: string | undefined;
  readonly directions: readonly Direction[];
  /** The UUID of this agent's last transfer. Its disk may still exist for a moment; it is ignored. */
  readonly after?: string | undefined;
}

/**
 * Waits for a transfer disk and opens it.
 *
 * @param path a device node or file, which may not exist yet
 * @throws StubferryError DISK_ABSENT: when the disk is not usable after `absentMs`; DISK_HUNG: when it does not
 * respond; WRONG_TARGET, WRONG_DIRECTION, UNSUPPORTED_VERSION, ...: immediately, when another disk is found
 */
export async function findDisk(
  path: string,
  expectation: Expectation,
  context: Pick<AgentContext, 'timeouts' | 'signal'>,
): Promise<FoundDisk> {
  const backoff = new PollBackoff(systemClock);
  const stall = new StallTimer(systemClock);
  const waitMs = context.timeouts.absentMs;
  for (;;) {
    const last = await withDiskDeadline(path, context, openIfReady(path, expectation), closeDisk);
    if (!(last instanceof StubferryError)) return last;
    if (stall.look() > waitMs) {
      throw new StubferryError('DISK_ABSENT', 'the transfer disk did not become usable', {
        where: path,
        expected: `a transfer disk within ${waitMs} ms`,
        found: `${last.code}: ${last.message}`,
        hint: 'is the dom0 agent running, and did it attach the disk to this domain?',
        cause: last,
      });
    }
    await backoff.wait();
  }
}

/** Closes a disk that was found after the wait for it had ended. */
export async function closeDisk(found: FoundDisk | StubferryError): Promise<void> {
  if (!(found instanceof StubferryError)) await found.device.close();
}

/** The errors that a disk which is still being made can cause. Its superblock may be half written, for example. */
const NOT_YET: readonly ErrorCode[] = ['DISK_ABSENT', 'NOT_A_TRANSFER_DISK', 'CORRUPT'];

/**
 * Opens the disk at `path` if it is usable.
 *
 * @returns the disk, or the reason why it is not usable yet
 * @throws StubferryError WRONG_TARGET, WRONG_DIRECTION: when the disk belongs to another transfer; other codes: when
 * the disk cannot be opened or read
 */
export async function openIfReady(path: string, expectation: Expectation): Promise<FoundDisk | StubferryError> {
  let device: BlockDevice | undefined;
  try {
    const access = await accessFor(path);
    device = notifyingDevice(await openDevice(path, { access }), access === 'buffered' ? path : undefined);
    const superblock = await readSuperblock(device);
    // The disk of the last transfer may still exist, even with the other direction.
    if (superblock.transferUuid === expectation.after || (await isOver(device, superblock))) throw over(path);
    check(superblock, expectation, path);
    return { device, superblock };
  } catch (error) {
    await device?.close();
    if (error instanceof StubferryError && NOT_YET.includes(error.code)) return error;
    throw error;
  }
}

function over(path: string): StubferryError {
  return new StubferryError('DISK_ABSENT', 'the disk of the last transfer still exists', { where: path });
}

/**
 * Returns the access path for the disk. A block device has its own page cache here, which would return stale blocks, so
 * it is opened with O_DIRECT. A file shares the page cache with the dom0 agent.
 *
 * A path that does not exist is an error and is not treated as a file: a device can appear there just before it is
 * opened (measured: one time in ten with a loop device).
 */
async function accessFor(path: string): Promise<AccessPath> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new StubferryError('DISK_ABSENT', 'the transfer disk does not exist', {
      where: path,
      found: errnoOf(cause),
      cause,
    });
  });
  return stats.isBlockDevice() ? 'direct' : 'buffered';
}

function check(superblock: Superblock, expectation: Expectation, where: string): void {
  const { targetUuid, transferUuid, directions } = expectation;
  if (targetUuid !== NIL_UUID && superblock.targetUuid !== targetUuid) {
    throw new StubferryError('WRONG_TARGET', 'this transfer disk belongs to another target', {
      where,
      expected: `target ${targetUuid}`,
      found: `target ${superblock.targetUuid} (domid ${superblock.targetDomid})`,
      hint: 'it was attached to the wrong stubdom; nothing was read or written',
    });
  }
  if (transferUuid !== undefined && superblock.transferUuid !== transferUuid) {
    throw new StubferryError('WRONG_TARGET', 'this transfer disk belongs to another transfer', {
      where,
      expected: `transfer ${transferUuid}`,
      found: `transfer ${superblock.transferUuid}`,
    });
  }
  if (!directions.includes(superblock.direction)) {
    throw new StubferryError('WRONG_DIRECTION', `this transfer disk is for a ${superblock.direction}`, {
      where,
      expected: directions.join(' or '),
      found: superblock.direction,
      hint: 'a save needs --source or --qmp, a restore needs --sink or --incoming',
    });
  }
}
