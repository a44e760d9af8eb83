/** The transfer disk of the stubdom agent: an open disk whose stubdom role is locked, and its release. */
import type { FileLock } from '../../blockdev-utils/index.js';
import type { AgentContext } from '../agent-context.js';
import { releaseDisk } from '../disk-deadline.js';
import { lockStubdomRole } from '../role-lock.js';
import { type Expectation, type FoundDisk, findDisk } from './find-disk.js';
import { type Dom0Requests, requestDisk } from './requested-disk.js';

/** The origin of the disk: a path at which the disk appears, or dom0, which attaches a disk on request. */
export type DiskOrigin = string | Dom0Requests;

/** An open disk whose stubdom role is locked. */
export interface HeldDisk extends FoundDisk {
  /** Closes the disk and unlocks the role. It never rejects and does not wait for a disk that does not respond. */
  release(): Promise<void>;
}

type Context = Pick<AgentContext, 'timeouts' | 'signal' | 'log'>;

/**
 * Finds or requests a disk, and locks the stubdom's role on it.
 * @throws StubferryError DISK_LOCKED: when another agent has the role; the errors of {@link findDisk} or
 * {@link requestDisk}
 */
export async function acquireDisk(origin: DiskOrigin, expectation: Expectation, context: Context): Promise<HeldDisk> {
  if (typeof origin === 'string') return holdDisk(await findDisk(origin, expectation, context), context);
  const { found, withdraw } = await requestDisk(origin, expectation, context);
  try {
    const held = await holdDisk(found, context);
    return { ...held, release: () => held.release().finally(withdraw) };
  } catch (error) {
    await withdraw();
    throw error;
  }
}

/**
 * Locks the stubdom's role on an open disk. Closes the disk when that fails.
 * @throws StubferryError DISK_LOCKED: when another agent has the role; DISK_ABSENT: when the disk was removed meanwhile
 */
export async function holdDisk(found: FoundDisk, context: Pick<AgentContext, 'timeouts' | 'log'>): Promise<HeldDisk> {
  const { device } = found;
  const close = async (lock: FileLock | undefined): Promise<void> => {
    await lock?.release();
    await device.close();
  };
  try {
    const lock = await lockStubdomRole(device.path);
    return { ...found, release: () => releaseDisk(device, context, close(lock)) };
  } catch (error) {
    await releaseDisk(device, context, close(undefined));
    throw error;
  }
}
