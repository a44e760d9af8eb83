/** Kernel modules with what they depend on, in an order in which they can be loaded. */
import { describe, expect, it } from '@jest/globals';
import { KernelModules, type LoadedModule, loadList } from '../../../src/image/kernel-modules.js';
import { moduleWith } from '../../support/elf/elf-builder.js';
import { scratchFolder, treeOf } from '../../support/image/elf-tree.js';

const RELEASE = '6.1.0-56-cloud-amd64';
const FOLDER = `/usr/lib/modules/${RELEASE}`;
const module = (name: string, depends = '', release = RELEASE): Buffer => {
  return moduleWith({ depends, name, vermagic: `${release} SMP mod_unload` });
};

async function load(
  files: Readonly<Record<string, Buffer | string>>,
  wanted: readonly string[],
  loaded: LoadedModule[] = [],
) {
  const tree = await treeOf(files);
  const modules = await KernelModules.of(tree, RELEASE, await scratchFolder(), new AbortController().signal);
  return modules.load(
    wanted.map((name) => ({ name, options: name === 'xen_privcmd' ? 'unrestricted=1' : '' })),
    loaded,
  );
}

const BRIDGE = {
  [`${FOLDER}/kernel/net/bridge/bridge.ko`]: module('bridge', 'stp,llc'),
  [`${FOLDER}/kernel/net/802/stp.ko`]: module('stp', 'llc'),
  [`${FOLDER}/kernel/net/llc/llc.ko`]: module('llc'),
};

describe('the modules to load', () => {
  it('come after those that they depend on, none twice', async () => {
    const found = await load(BRIDGE, ['bridge', 'stp']);
    expect(found.map(({ name }) => name)).toEqual(['llc', 'stp', 'bridge']);
  });

  it('are written one a line, with the options that they are loaded with', async () => {
    const found = await load({ [`${FOLDER}/kernel/drivers/xen/xen-privcmd.ko`]: module('xen_privcmd') }, [
      'xen_privcmd',
    ]);
    expect(loadList(found, '/modules').toString()).toBe('/modules/xen_privcmd.ko unrestricted=1\n');
  });

  it('leave out what is loaded already', async () => {
    const first = await load(BRIDGE, ['llc']);
    const rest = await load(BRIDGE, ['bridge'], first);
    expect(rest.map(({ name }) => name)).toEqual(['stp', 'bridge']);
  });

  it('leave out what is built into the kernel', async () => {
    const builtin = 'kernel/net/llc/llc.ko\nkernel/drivers/xen/xen-evtchn.ko\n';
    const files = { ...BRIDGE, [`${FOLDER}/modules.builtin`]: builtin };
    expect((await load(files, ['xen_evtchn', 'stp'])).map(({ name }) => name)).toEqual(['stp']);
  });

  it('must be there', async () => {
    await expect(load(BRIDGE, ['squashfs'])).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: `the kernel ${RELEASE} has no module squashfs`,
      details: { hint: `apt-get install linux-image-${RELEASE}` },
    });
  });

  it('must be for that kernel', async () => {
    const files = { [`${FOLDER}/kernel/fs/loop.ko`]: module('loop', '', '6.1.0-55-amd64') };
    await expect(load(files, ['loop'])).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { expected: `a module for Linux ${RELEASE}`, found: 'one for Linux 6.1.0-55-amd64' },
    });
  });
});
