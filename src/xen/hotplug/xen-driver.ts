/**
 * Into a stubdom, by xenstore alone: no toolstack and no hotplug script.
 *
 *     attach:  loop device -> vbd, in one transaction -> both ends Connected
 *     detach:  both ends Closed, or not in time -> vbd removed -> loop device
 *
 * In that order a crash leaves nothing that `orphans` does not find: a loop device that carries a transfer disk, or a vbd with our mark.
 */
import { coherentAccess } from '../../blockdev-utils/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { closeVbd } from './close-vbd.js';
import { connectVbd } from './connect-vbd.js';
import { makeNode, releaseNode } from './dom0-node.js';
import type { Detachment, HotplugDriver } from './driver.js';
import { ownVbds } from './own-vbd.js';
import { stubdomOf } from './stubdom-of.js';
import { createVbd, removeVbd } from './vbd.js';
import { attachmentOf, orphanVbds, vbdsOf } from './vbd-attachment.js';
import type { Vbd } from './vbd-paths.js';
import { VBD_TIMES, type VbdTimes } from './vbd-times.js';

export function xenDriver(store: XenstoreClient, { connectMs, closeMs }: VbdTimes = VBD_TIMES): HotplugDriver {
  /** A vbd whose making was not answered may be there all the same. Its loop device is not to be another one's before it is gone. */
  async function takeBack(backing: string, node: string, made: Vbd | undefined): Promise<void> {
    const vbds = made === undefined ? await vbdsOf(store, { device: '', backing }, 'xen') : [made];
    for (const vbd of vbds) await removeVbd(store, { ...vbd, backing });
    await releaseNode(backing, node);
  }

  return {
    name: 'xen',
    accessTo: coherentAccess,
    toldAt: () => undefined,

    attach: async (backing, kind, options) => {
      const stubdom = stubdomOf(options, 'xen');
      const node = await makeNode(backing, kind);
      let vbd: Vbd | undefined;
      try {
        vbd = await createVbd(store, stubdom, backing, node);
        await connectVbd(store, vbd, { withinMs: connectMs, signal: options?.signal });
        return attachmentOf({ ...vbd, node: node.path, backing });
      } catch (error) {
        // Why it failed says more than that it could not be taken back; what is left then is a orphan.
        await takeBack(backing, node.path, vbd).catch(() => undefined);
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
      await releaseNode(backing, named?.node);
      return detachment;
    },

    list: async () => (await ownVbds(store, 'xen')).map(attachmentOf),
    orphans: (folder) => orphanVbds(store, 'xen', folder),
  };
}
