/** A loop device over the backing: a real block device without Xen. The stubdom's agent uses it as it would use a vbd. */
import { attachLoop, coherentAccess } from '../../blockdev-utils/index.js';
import { letGoOfNode } from './dom0-node.js';
import type { HotplugDriver } from './driver.js';
import { transferLoops } from './transfer-loops.js';
import { unownedOf } from './unowned.js';

export const loopDriver: HotplugDriver = {
  name: 'loop',
  accessTo: coherentAccess,
  toldAt: ({ device }) => device,
  attach: async (backing, kind) => {
    const { node, file } = await attachLoop(backing, { directIo: kind !== 'memory' });
    return { device: node, backing: file };
  },
  detach: async ({ backing, device }) => {
    await letGoOfNode(backing, device);
    return {};
  },
  list: () => transferLoops(),
  leftovers: async (folder) => unownedOf(await transferLoops(folder)),
};
