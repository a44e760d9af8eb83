/**
 * Waits until the transfer disk is really usable, and is ours.
 *
 * A frontend that says "Connected" has no device node yet, a node may be there before its disk answers, and a file may
 * be there before dom0 has formatted it. So: it opens, it answers, it carries a superblock.
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

/** The disk, open, and what it is for. */
export interface FoundDisk {
  readonly device: BlockDevice;
  readonly superblock: Superblock;
}

/** What the disk must be for. */
export interface Expectation {
  /** The nil UUID accepts any target. */
  readonly targetUuid: string;
  /** undefined accepts any transfer. */
  readonly transferUuid: string | undefined;
  readonly directions: readonly Direction[];
  /** The last transfer of this agent: its disk may be there for a moment, and the next one is waited for. */
  readonly after?: string | undefined;
}

/**
 * @param path of a device node or file, which may not exist yet
 * @throws StubferryError DISK_ABSENT after `absentMs`, DISK_HUNG; at once: WRONG_TARGET, WRONG_DIRECTION, UNSUPPORTED_VERSION, ...
 */
export async function findDisk(
  path: string,
  expectation: Expectation,
  context: Pick<AgentContext, 'timeouts' | 'signal'>,
): Promise<FoundDisk> {
  const pace = new PollBackoff(systemClock);
  const patience = new StallTimer(systemClock);
  const waitMs = context.timeouts.absentMs;
  for (;;) {
    const last = await withDiskDeadline(path, context, openIfReady(path, expectation), releaseFound);
    if (!(last instanceof StubferryError)) return last;
    if (patience.look() > waitMs) {
      throw new StubferryError('DISK_ABSENT', 'the transfer disk did not become usable', {
        where: path,
        expected: `a transfer disk within ${waitMs} ms`,
        found: `${last.code}: ${last.message}`,
        hint: 'is the dom0 agent running, and did it attach the disk to this domain?',
        cause: last,
      });
    }
    await pace.wait();
  }
}

/** Closes a disk that came when it was not waited for any more. */
export async function releaseFound(found: FoundDisk | StubferryError): Promise<void> {
  if (!(found instanceof StubferryError)) await found.device.close();
}

/** What a disk looks like that is on its way: a superblock that is just being written, among others. */
const NOT_YET: readonly ErrorCode[] = ['DISK_ABSENT', 'NOT_A_TRANSFER_DISK', 'CORRUPT'];

/** The disk, or why there is none yet. @throws StubferryError for a disk that is another one, and for what cannot be opened */
export async function openIfReady(path: string, expectation: Expectation): Promise<FoundDisk | StubferryError> {
  let device: BlockDevice | undefined;
  try {
    const access = await accessFor(path);
    device = notifyingDevice(await openDevice(path, { access }), access === 'buffered' ? path : undefined);
    const superblock = await readSuperblock(device);
    // The last disk may still be there, for the other direction even: the next one is waited for.
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
  return new StubferryError('DISK_ABSENT', 'the disk of the last transfer is still there', { where: path });
}

/**
 * A block device has a page cache of its own here, which would serve stale blocks; a file is shared with dom0's agent. What is not there
 * yet is neither: taken for a file, it could come as a device just before it is opened (measured, one time in ten with a loop device).
 */
async function accessFor(path: string): Promise<AccessPath> {
  const there = await stat(path).catch((cause: unknown) => {
    throw new StubferryError('DISK_ABSENT', 'there is no such transfer disk', {
      where: path,
      found: errnoOf(cause),
      cause,
    });
  });
  return there.isBlockDevice() ? 'direct' : 'buffered';
}

function check(superblock: Superblock, expectation: Expectation, where: string): void {
  const { targetUuid, transferUuid, directions } = expectation;
  if (targetUuid !== NIL_UUID && superblock.targetUuid !== targetUuid) {
    throw new StubferryError('WRONG_TARGET', "this transfer disk is another target's", {
      where,
      expected: `target ${targetUuid}`,
      found: `target ${superblock.targetUuid} (domid ${superblock.targetDomid})`,
      hint: 'it was attached to the wrong stubdom; nothing was read or written',
    });
  }
  if (transferUuid !== undefined && superblock.transferUuid !== transferUuid) {
    throw new StubferryError('WRONG_TARGET', 'this transfer disk is of another transfer', {
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
