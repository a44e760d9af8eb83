/**
 * Into a stubdom by the toolstack: `xl block-attach` and `xl block-detach`, with a hotplug script of our own.
 *
 *     attach:  loop device -> configuration for libxl -> xl block-attach (-> block-stubferry) -> both ends Connected
 *     detach:  xl block-detach, or else: vbd removed -> configuration removed -> loop device
 *
 * libxl knows of the disk then: it is in `xl block-list`, and goes with the domain. It takes longer than to write the vbd oneself (docs/hotplug.md).
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

/** What of the host it uses. */
export interface XlHost {
  readonly xl: RunXl;
  /** Where libxl has its files. */
  readonly libxlDir: string;
}

export function xlDriver(
  store: XenstoreClient,
  { connectMs, closeMs }: VbdTimes = VBD_TIMES,
  { xl, libxlDir }: XlHost = { xl: runXl, libxlDir: LIBXL_DIR },
): HotplugDriver {
  async function takeBack(vbd: OwnVbd): Promise<Detachment> {
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
    toldAt: () => undefined,

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
            throw notAttached(vbd, cause);
          },
        );
        if (userdata !== undefined) await store.write(`${backendPath(vbd)}/${USERDATA}`, userdata);
        await connectVbd(store, vbd, { withinMs: connectMs, signal });
        return attachmentOf({ ...vbd, node, backing });
      } catch (error) {
        // Why it failed says more than that it could not be taken back; what is left then is a orphan.
        for (const vbd of await vbdsOf(store, { device: '', backing }, 'xl').catch(() => []))
          await takeBack(vbd).catch(() => undefined);
        if (userdata !== undefined) await unlink(userdata).catch(() => undefined);
        await releaseNode(backing, node).catch(() => undefined);
        throw error;
      }
    },

    detach: async (attachment) => {
      const { backing, vbd: named } = attachment;
      let detachment: Detachment = {};
      for (const vbd of await vbdsOf(store, attachment, 'xl')) detachment = { ...detachment, ...(await takeBack(vbd)) };
      if (named !== undefined) await removeVbd(store, { ...named, backing });
      await releaseNode(backing, named?.node);
      return detachment;
    },

    list: async () => (await ownVbds(store, 'xl')).map(attachmentOf),
    orphans: (folder) => orphanVbds(store, 'xl', folder),
  };
}

/** xl-disk-configuration(5). The target is for the script, and takes the rest of the line. @throws StubferryError ATTACH_FAILED */
function diskSpec({ number }: Vbd, node: string, backing: string): string {
  for (const path of [SCRIPT, backing]) {
    if (/^[^,\n]+$/.test(path)) continue;
    throw new StubferryError('ATTACH_FAILED', 'xl does not take this path', {
      where: printable(path),
      expected: 'a path without commas and line ends',
    });
  }
  return `format=raw,access=rw,vdev=${virtualDeviceName(number)},script=${SCRIPT},target=${node}:${backing}`;
}

function notAttached({ stubdom, number }: Vbd, cause: unknown): StubferryError {
  return new StubferryError('ATTACH_FAILED', 'xl block-attach failed', {
    where: `${virtualDeviceName(number)} of domain ${stubdom}`,
    found: messageOf(cause),
    hint: 'does xl itself work (xl list)? --attach xen does without it',
    cause,
  });
}
