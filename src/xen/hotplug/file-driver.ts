/**
 * The default for embedded use: both agents are processes under one kernel and open the same file or device. Nothing is
 * attached, so nothing can remain attached.
 */
import { StubferryError } from '../../base/errors/index.js';
import type { HotplugDriver } from './driver.js';

/** The driver of `--attach file`. */
export const fileDriver: HotplugDriver = {
  name: 'file',
  // The stubdom agent opens a block device with O_DIRECT and a file through the page cache.
  accessTo: (kind) => (kind === 'block' ? 'direct' : 'buffered'),
  notifyingPath: ({ backing }) => backing,
  attach: async (backing, kind) => {
    // Both agents lock their side of the disk, which would be the same node here.
    if (kind !== 'block') return { device: backing, backing };
    throw new StubferryError('DISK_INCOHERENT', 'a block device cannot be shared with a process on this machine', {
      where: backing,
      expected: 'a separate device for each side',
      found: 'one device for both',
      hint: 'use --attach loop',
    });
  },
  detach: async () => ({}),
  list: async () => [],
  orphans: async () => [],
};
