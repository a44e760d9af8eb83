/** Removes orphans while no service runs. */
import { findOrphans, type Orphan, type OrphanOptions, removeOrphans } from './orphans.js';
import { lockService } from './service-lock.js';
import { makeTransferDir } from './transfer-directory.js';

/**
 * Removes orphans, with the transfer directory locked.
 *
 * @param dryRun only list the orphans, and remove none
 * @throws StubferryError SERVICE_RUNNING: when a service uses the directory; DESTINATION_UNWRITABLE: when the directory
 * cannot be used
 * @throws errors of the driver
 */
export async function collectWithoutService(
  options: Omit<OrphanOptions, 'active'>,
  dryRun: boolean,
): Promise<{ removed: Orphan[]; kept: Orphan[] }> {
  await makeTransferDir(options.transferDir);
  const lock = await lockService(options.transferDir);
  try {
    const all = { ...options, active: new Set<string>() };
    return dryRun ? { removed: [], kept: await findOrphans(all) } : await removeOrphans(all);
  } finally {
    await lock.release();
  }
}
