import { isLocked } from '../../blockdev-utils/index.js';
import type { Attachment } from './driver.js';

/** Returns the attachments that no live agent owns: an agent holds the lock of its backing while it lives. */
export async function orphansAmong(attached: readonly Attachment[]): Promise<Attachment[]> {
  const owned = await Promise.all(attached.map(({ backing }) => isLocked(backing)));
  return attached.filter((_, index) => !owned[index]);
}
