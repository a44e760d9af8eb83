/**
 * The embedded default: both agents are processes of one kernel and open the very same file or device. Nothing is attached, so
 * nothing can be left attached.
 */
import type { HotplugDriver } from './driver.js';

export const fileDriver: HotplugDriver = {
  name: 'file',
  // The stubdom's agent goes by O_DIRECT to a block device, and through the page cache to a file.
  accessTo: (kind) => (kind === 'block' ? 'direct' : 'buffered'),
  attach: async (backing) => ({ device: backing, backing }),
  detach: async () => undefined,
  list: async () => [],
  leftovers: async () => [],
};
