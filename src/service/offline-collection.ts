/** What a killed agent has left, removed while no agent runs. */
import { findOrphans, type Orphan, type OrphanOptions, removeOrphans } from './orphans.js';
import { lockService } from './service-lock.js';
import { makeTransferDir } from './transfer-folder.js';

/**
 * @param dryRun only say what is there
 * @throws StubferryError SERVICE_RUNNING when there is an agent after all, and errors of the driver
 */
export async function collectWithoutService(
  options: Omit<OrphanOptions, 'living'>,
  dryRun: boolean,
): Promise<{ removed: Orphan[]; kept: Orphan[] }> {
  await makeTransferDir(options.transferDir);
  const lock = await lockService(options.transferDir);
  try {
    const all = { ...options, living: new Set<string>() };
    return dryRun ? { removed: [], kept: await findOrphans(all) } : await removeOrphans(all);
  } finally {
    await lock.release();
  }
}
