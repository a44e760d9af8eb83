/**
 * Attaches to a stubdom through the toolstack: `xl block-attach` and `xl block-detach`, with stubferry's own hotplug
 * script.
 *
 *     attach:  loop device -> configuration for libxl -> xl block-attach (-> block-stubferry) -> both ends Connected
 *     detach:  xl block-detach, or else: vbd removed -> configuration removed -> loop device
 *
 * libxl manages the disk then: `xl block-list` shows it, and it is removed with the domain. This takes longer than
 * writing the vbd to xenstore directly (docs/reference/hotplug.md).
 */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, printable, StubferryError } from '../../base/errors/index.js';
import { PACKAGE_ROOT } from '../../base/package-root.js';
import { coherentAccess } from '../../blockdev-utils/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { connectVbd } from './connect-vbd.js';
import { makeNode, releaseNode } from './dom0-node.js';
import type { Detachment, HotplugDriver } from './driver.js';
import { LIBXL_DIR, makeUserdata } from './libxl-userdata.js';
import { type OwnVbd, ownVbds, SCRIPT_NAME, USERDATA } from './own-vbd.js';
import { stubdomOf } from './stubdom-of.js';
import { freeVbd, removeVbd } from './vbd.js';
import { attachmentOf, orphanVbds, vbdsOf } from './vbd-attachment.js';
import { backendPath, type Vbd } from './vbd-paths.js';
import { VBD_TIMES, type VbdTimes } from './vbd-times.js';
import { virtualDeviceName } from './virtual-device.js';
import { type RunXl, runXl } from './xl.js';

const SCRIPT = join(PACKAGE_ROOT, 'dist/host', SCRIPT_NAME);

/** What the driver uses of the host. */
export interface XlHost {
  readonly xl: RunXl;
  /** The directory of libxl's files. */
  readonly libxlDir: string;
}

/** The driver of `--attach xl`. */
export function xlDriver(
  store: XenstoreClient,
  { connectMs, closeMs }: VbdTimes = VBD_TIMES,
  { xl, libxlDir }: XlHost = { xl: runXl, libxlDir: LIBXL_DIR },
): HotplugDriver {
  async function removeDisk(vbd: OwnVbd): Promise<Detachment> {
    const { stubdom, number, userdata } = vbd;
    const detachment = await xl(['block-detach', `${stubdom}`, virtualDeviceName(number)], { withinMs: closeMs }).then(
      (): Detachment => ({}),
      (error: unknown) => ({ forced: `xl block-detach: ${messageOf(error)}` }),
    );
    await removeVbd(store, vbd);
    if (userdata !== undefined) await unlink(userdata).catch(() => undefined);
    return detachment;
  }

  return {
    name: 'xl',
    accessTo: coherentAccess,
    notifyingPath: () => undefined,

    attach: async (backing, kind, options) => {
      const stubdom = stubdomOf(options, 'xl');
      const { path: node } = await makeNode(backing, kind);
      const signal = options?.signal;
      let userdata: string | undefined;
      try {
        const vbd = await freeVbd(store, stubdom);
        userdata = await makeUserdata(store, stubdom, libxlDir);
        await xl(['block-attach', `${stubdom}`, diskSpec(vbd, node, backing)], { withinMs: connectMs, signal }).catch(
          (cause: unknown) => {
            signal?.throwIfAborted();
            throw attachFailed(vbd, cause);
          },
        );
        if (userdata !== undefined) await store.write(`${backendPath(vbd)}/${USERDATA}`, userdata);
        await connectVbd(store, vbd, { withinMs: connectMs, signal });
        return attachmentOf({ ...vbd, node, backing });
      } catch (error) {
        // The error of the attach is more useful than an error of this clean-up. What the clean-up leaves behind is an
        // orphan.
        for (const vbd of await vbdsOf(store, { device: '', backing }, 'xl').catch(() => []))
          await removeDisk(vbd).catch(() => undefined);
        if (userdata !== undefined) await unlink(userdata).catch(() => undefined);
        await releaseNode(backing, node).catch(() => undefined);
        throw error;
      }
    },

    detach: async (attachment) => {
      const { backing, vbd: named } = attachment;
      let detachment: Detachment = {};
      for (const vbd of await vbdsOf(store, attachment, 'xl'))
        detachment = { ...detachment, ...(await removeDisk(vbd)) };
      if (named !== undefined) await removeVbd(store, { ...named, backing });
      await releaseNode(backing, named?.node);
      return detachment;
    },

    list: async () => (await ownVbds(store, 'xl')).map(attachmentOf),
    orphans: (directory) => orphanVbds(store, 'xl', directory),
  };
}

/**
 * The disk specification (xl-disk-configuration(5)). The target is for the script, and extends to the end of the line.
 * @throws StubferryError ATTACH_FAILED
 */
function diskSpec({ number }: Vbd, node: string, backing: string): string {
  for (const path of [SCRIPT, backing]) {
    if (/^[^,\n]+$/.test(path)) continue;
    throw new StubferryError('ATTACH_FAILED', 'xl does not accept this path', {
      where: printable(path),
      expected: 'a path without commas and newlines',
    });
  }
  return `format=raw,access=rw,vdev=${virtualDeviceName(number)},script=${SCRIPT},target=${node}:${backing}`;
}

function attachFailed({ stubdom, number }: Vbd, cause: unknown): StubferryError {
  return new StubferryError('ATTACH_FAILED', 'xl block-attach failed', {
    where: `${virtualDeviceName(number)} of domain ${stubdom}`,
    found: messageOf(cause),
    hint: 'does xl itself work (xl list)? --attach xen does not use it',
    cause,
  });
}
