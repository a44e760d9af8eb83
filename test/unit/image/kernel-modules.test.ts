/** Kernel modules and their dependencies, in an order in which the kernel can load them. */
import { describe, expect, it } from '@jest/globals';
import { KernelModules, type LoadedModule, loadList } from '../../../src/image/kernel-modules.js';
import { moduleWith } from '../../support/elf/elf-builder.js';
import { scratchDirectory, treeOf } from '../../support/image/elf-tree.js';

const RELEASE = '6.1.0-56-cloud-amd64';
const DIRECTORY = `/usr/lib/modules/${RELEASE}`;
const module = (name: string, depends = '', release = RELEASE): Buffer => {
  return moduleWith({ depends, name, vermagic: `${release} SMP mod_unload` });
};

async function load(
  files: Readonly<Record<string, Buffer | string>>,
  wanted: readonly string[],
  loaded: LoadedModule[] = [],
) {
  const tree = await treeOf(files);
  const modules = await KernelModules.of(tree, RELEASE, await scratchDirectory(), new AbortController().signal);
  return modules.load(
    wanted.map((name) => ({ name, options: name === 'xen_privcmd' ? 'unrestricted=1' : '' })),
    loaded,
  );
}

const BRIDGE = {
  [`${DIRECTORY}/kernel/net/bridge/bridge.ko`]: module('bridge', 'stp,llc'),
  [`${DIRECTORY}/kernel/net/802/stp.ko`]: module('stp', 'llc'),
  [`${DIRECTORY}/kernel/net/llc/llc.ko`]: module('llc'),
};

describe('the list of modules to load', () => {
  it('contains each module once, after all modules that it depends on', async () => {
    const found = await load(BRIDGE, ['bridge', 'stp']);
    expect(found.map(({ name }) => name)).toEqual(['llc', 'stp', 'bridge']);
  });

  it('is encoded as one module a line, with its options', async () => {
    const found = await load({ [`${DIRECTORY}/kernel/drivers/xen/xen-privcmd.ko`]: module('xen_privcmd') }, [
      'xen_privcmd',
    ]);
    expect(loadList(found, '/modules').toString()).toBe('/modules/xen_privcmd.ko unrestricted=1\n');
  });

  it('leaves out modules that are already loaded', async () => {
    const first = await load(BRIDGE, ['llc']);
    const rest = await load(BRIDGE, ['bridge'], first);
    expect(rest.map(({ name }) => name)).toEqual(['stp', 'bridge']);
  });

  it('leaves out modules that are built into the kernel', async () => {
    const builtin = 'kernel/net/llc/llc.ko\nkernel/drivers/xen/xen-evtchn.ko\n';
    const files = { ...BRIDGE, [`${DIRECTORY}/modules.builtin`]: builtin };
    expect((await load(files, ['xen_evtchn', 'stp'])).map(({ name }) => name)).toEqual(['stp']);
  });

  it('fails with PACKAGE_MISSING when the kernel does not have a module', async () => {
    await expect(load(BRIDGE, ['squashfs'])).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: `the kernel ${RELEASE} has no module squashfs`,
      details: { hint: `apt-get install linux-image-${RELEASE}` },
    });
  });

  it('fails with UNFIT_PARTS when a module is built for another kernel', async () => {
    const files = { [`${DIRECTORY}/kernel/fs/loop.ko`]: module('loop', '', '6.1.0-55-amd64') };
    await expect(load(files, ['loop'])).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { expected: `a module for Linux ${RELEASE}`, found: 'a module for Linux 6.1.0-55-amd64' },
    });
  });
});
