/** What a killed agent has left, removed while no agent runs. */
import { findLeftovers, type Leftover, type LeftoversOptions, removeLeftovers } from './leftovers.js';
import { lockService } from './service-lock.js';
import { makeTransferDir } from './transfer-folder.js';

/**
 * @param dryRun only say what is there
 * @throws StubferryError SERVICE_RUNNING when there is an agent after all, and errors of the driver
 */
export async function collectWithoutService(
  options: Omit<LeftoversOptions, 'living'>,
  dryRun: boolean,
): Promise<{ removed: Leftover[]; kept: Leftover[] }> {
  await makeTransferDir(options.transferDir);
  const lock = await lockService(options.transferDir);
  try {
    const all = { ...options, living: new Set<string>() };
    return dryRun ? { removed: [], kept: await findLeftovers(all) } : await removeLeftovers(all);
  } finally {
    await lock.release();
  }
}
