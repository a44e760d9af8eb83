/**
 * Attaches to a stubdom through xenstore alone, without a toolstack or a hotplug script.
 *
 *     attach:  loop device -> vbd, in one transaction -> both ends Connected
 *     detach:  both ends Closed, or not in time -> vbd removed -> loop device
 *
 * Because of this order a crash leaves only what `orphans` can find: a loop device with a transfer disk, or a vbd with
 * the mark of stubferry.
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

/** The driver of `--attach xen`. */
export function xenDriver(store: XenstoreClient, { connectMs, closeMs }: VbdTimes = VBD_TIMES): HotplugDriver {
  /**
   * Removes a partly attached disk. A vbd may exist although xenstored did not acknowledge its creation. The vbd must
   * be removed before its loop device can be reused.
   */
  async function removeDisk(backing: string, node: string, created: Vbd | undefined): Promise<void> {
    const vbds = created === undefined ? await vbdsOf(store, { device: '', backing }, 'xen') : [created];
    for (const vbd of vbds) await removeVbd(store, { ...vbd, backing });
    await releaseNode(backing, node);
  }

  return {
    name: 'xen',
    accessTo: coherentAccess,
    notifyingPath: () => undefined,

    attach: async (backing, kind, options) => {
      const stubdom = stubdomOf(options, 'xen');
      const node = await makeNode(backing, kind);
      let vbd: Vbd | undefined;
      try {
        vbd = await createVbd(store, stubdom, backing, node);
        await connectVbd(store, vbd, { withinMs: connectMs, signal: options?.signal });
        return attachmentOf({ ...vbd, node: node.path, backing });
      } catch (error) {
        // The error of the attach is more useful than an error of this clean-up. What the clean-up leaves behind is an
        // orphan.
        await removeDisk(backing, node.path, vbd).catch(() => undefined);
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
    orphans: (directory) => orphanVbds(store, 'xen', directory),
  };
}
