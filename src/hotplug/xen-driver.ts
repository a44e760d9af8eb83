/**
 * Into a stubdom, by xenstore alone: no toolstack and no hotplug script.
 *
 *     attach:  vbd, in one transaction -----------------> its device -> both ends Connected
 *              loop device, meanwhile -------------------'
 *     detach:  both ends Closed, or not in time -> vbd removed -> loop device
 *
 * In that order a crash leaves nothing that `leftovers` does not find: a loop device that carries a transfer disk, or a vbd with our mark.
 */
import { coherentAccess } from '../blockdev-utils/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { closeVbd } from './close-vbd.js';
import { connectVbd } from './connect-vbd.js';
import { letGoOfNode, makeNode } from './dom0-node.js';
import type { Detachment, HotplugDriver } from './driver.js';
import { ownVbds } from './own-vbd.js';
import { stubdomOf } from './stubdom-of.js';
import { createVbd, giveDevice, removeVbd } from './vbd.js';
import { attachmentOf, leftVbds, vbdsOf } from './vbd-attachment.js';
import { VBD_TIMES, type VbdTimes } from './vbd-times.js';

export function xenDriver(store: XenstoreClient, { connectMs, closeMs }: VbdTimes = VBD_TIMES): HotplugDriver {
  return {
    name: 'xen',
    accessTo: coherentAccess,
    toldAt: () => undefined,

    attach: async (backing, kind, options) => {
      const stubdom = stubdomOf(options, 'xen');
      // When one fails, what the other has made is to be taken back.
      const [vbd, node] = await Promise.allSettled([createVbd(store, stubdom, backing), makeNode(backing, kind)]);
      try {
        if (vbd.status === 'rejected') throw vbd.reason;
        if (node.status === 'rejected') throw node.reason;
        await giveDevice(store, vbd.value, node.value);
        await connectVbd(store, vbd.value, { withinMs: connectMs, signal: options?.signal });
        return attachmentOf({ ...vbd.value, node: node.value.path, backing });
      } catch (error) {
        // Why it failed says more than that it could not be taken back; what is left then is a leftover.
        if (vbd.status === 'fulfilled') await removeVbd(store, { ...vbd.value, backing }).catch(() => undefined);
        if (node.status === 'fulfilled') await letGoOfNode(backing, node.value.path).catch(() => undefined);
        throw error;
      }
    },

    detach: async (attachment) => {
      const { backing, vbd: named } = attachment;
      let detachment: Detachment = {};
      for (const vbd of await vbdsOf(store, attachment, 'xen')) {
        detachment = { ...detachment, ...(await closeVbd(store, vbd, closeMs)) };
      }
      if (named !== undefined) await removeVbd(store, { ...named, backing });
      await letGoOfNode(backing, named?.node);
      return detachment;
    },

    list: async () => (await ownVbds(store, 'xen')).map(attachmentOf),
    leftovers: (folder) => leftVbds(store, 'xen', folder),
  };
}
