/**
 * The embedded default: both agents are processes of one kernel and open the very same file or device. Nothing is attached, so
 * nothing can be left attached.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { HotplugDriver } from './driver.js';

export const fileDriver: HotplugDriver = {
  name: 'file',
  // The stubdom's agent goes by O_DIRECT to a block device, and through the page cache to a file.
  accessTo: (kind) => (kind === 'block' ? 'direct' : 'buffered'),
  toldAt: ({ backing }) => backing,
  attach: async (backing, kind) => {
    // Both agents lock their side of the disk, and here it would be the very same node.
    if (kind !== 'block') return { device: backing, backing };
    throw new StubferryError(
      'DISK_INCOHERENT',
      'a block device cannot be given to a process of this machine as it is',
      {
        where: backing,
        expected: 'a device of its own for each side',
        found: 'one for both',
        hint: 'use --attach loop',
      },
    );
  },
  detach: async () => ({}),
  list: async () => [],
  orphans: async () => [],
};
