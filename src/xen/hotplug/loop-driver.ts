/** A loop device over the backing: a real block device without Xen. The stubdom agent uses it like a vbd. */
import { attachLoop, coherentAccess } from '../../blockdev-utils/index.js';
import { releaseNode } from './dom0-node.js';
import type { HotplugDriver } from './driver.js';
import { orphansAmong } from './orphans.js';
import { transferLoops } from './transfer-loops.js';

/** The driver of `--attach loop`. */
export const loopDriver: HotplugDriver = {
  name: 'loop',
  accessTo: coherentAccess,
  notifyingPath: ({ device }) => device,
  attach: async (backing, kind) => {
    const { node, file } = await attachLoop(backing, { directIo: kind !== 'memory' });
    return { device: node, backing: file };
  },
  detach: async ({ backing, device }) => {
    await releaseNode(backing, device);
    return {};
  },
  list: () => transferLoops(),
  orphans: async (directory) => orphansAmong(await transferLoops(directory)),
};
