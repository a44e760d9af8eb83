import { isLocked } from '../../blockdev-utils/index.js';
import type { Attachment } from './driver.js';

/** Of what is attached, what no live agent owns: an agent holds the lock of its backing for as long as it lives. */
export async function orphanOf(attached: readonly Attachment[]): Promise<Attachment[]> {
  const owned = await Promise.all(attached.map(({ backing }) => isLocked(backing)));
  return attached.filter((_, index) => !owned[index]);
}
