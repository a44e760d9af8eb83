/** Which disks the stubdom has of other domains, and whether one is still the same. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { xenFrontends } from '../../../src/blockdev-utils/index.js';
import { SysfsTree } from '../../support/blockdev-utils/sysfs-tree.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

describe("the stubdom's disks", () => {
  const scratch = scratchFolder();
  let tree: SysfsTree;
  beforeEach(() => {
    mkdirSync(scratch('tree'));
    tree = new SysfsTree(scratch('tree'));
  });

  const seen = async (): Promise<[number, string][]> =>
    (await xenFrontends(tree.places)).map(({ devid, node }) => [devid, node]);

  it('are those of sysfs that have a node, by their numbers', async () => {
    tree.attach('vbd-51744', 'xvdd', '/dev/null');
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    tree.attach('vif-0', 'xvde', '/dev/null');
    expect(await seen()).toEqual([
      [5632, tree.node('xvdc')],
      [51744, tree.node('xvdd')],
    ]);
  });

  it('are not transfer disks, which have extended numbers', async () => {
    tree.attach(`vbd-${2 ** 28 - 1}`, 'xvdb', '/dev/null');
    tree.attach(`vbd-${2 ** 28}`, 'xvdz', '/dev/null');
    expect(await seen()).toEqual([[2 ** 28 - 1, tree.node('xvdb')]]);
  });

  it('are not those that come or go: without a disk, or without its node', async () => {
    tree.attachDevice('vbd-768');
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    tree.loseNode('xvdc');
    expect(await seen()).toEqual([]);
  });

  it.each(['vbd-', 'vbd--1', 'vbd-05632', 'vbd-5632x', 'vbd-1e3', 'vbd-9999999999'])('are not %s', async (device) => {
    tree.attach(device, 'xvdc', '/dev/null');
    expect(await seen()).toEqual([]);
  });

  it('are 26 at most', async () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (let devid = 1; devid <= 27; devid += 1)
      tree.attach(`vbd-${devid}`, `xvd${letters[devid % 2]}${letters[devid >> 1]}`, '/dev/null');
    expect((await seen()).map(([devid]) => devid)).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
  });

  it('are told apart when one takes the place of the other', async () => {
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    const [before] = await xenFrontends(tree.places);
    expect(await xenFrontends(tree.places)).toEqual([before]);
    tree.detach('vbd-5632', 'xvdc');
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    const [after] = await xenFrontends(tree.places);
    expect({ ...after, incarnation: before?.incarnation }).toEqual(before);
    expect(after?.incarnation).not.toBe(before?.incarnation);
  });

  it('are none where there is no Xen', async () => {
    expect(await xenFrontends({ devices: scratch('nowhere'), nodes: '/dev' })).toEqual([]);
  });

  it('that cannot be listed are not taken for none', async () => {
    writeFileSync(scratch('file'), '');
    await expect(xenFrontends({ devices: scratch('file'), nodes: '/dev' })).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { where: scratch('file'), found: 'ENOTDIR' },
    });
  });
});
