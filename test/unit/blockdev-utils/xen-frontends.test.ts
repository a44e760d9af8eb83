/** Tests the list of the disks that other domains provide to the stubdom, and how a replaced disk is recognised. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { xenFrontends } from '../../../src/blockdev-utils/index.js';
import { SysfsTree } from '../../support/blockdev-utils/sysfs-tree.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

describe('the disks of the stubdom', () => {
  const scratch = scratchFolder();
  let tree: SysfsTree;
  beforeEach(() => {
    mkdirSync(scratch('tree'));
    tree = new SysfsTree(scratch('tree'));
  });

  const listed = async (): Promise<[number, string][]> =>
    (await xenFrontends(tree.directories)).map(({ devid, node }) => [devid, node]);

  it('are the disks in sysfs that have a device node, ordered by number', async () => {
    tree.attach('vbd-51744', 'xvdd', '/dev/null');
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    tree.attach('vif-0', 'xvde', '/dev/null');
    expect(await listed()).toEqual([
      [5632, tree.node('xvdc')],
      [51744, tree.node('xvdd')],
    ]);
  });

  it('do not include transfer disks, which have extended numbers', async () => {
    tree.attach(`vbd-${2 ** 28 - 1}`, 'xvdb', '/dev/null');
    tree.attach(`vbd-${2 ** 28}`, 'xvdz', '/dev/null');
    expect(await listed()).toEqual([[2 ** 28 - 1, tree.node('xvdb')]]);
  });

  it('do not include devices that are being attached or detached, without a disk or without its node', async () => {
    tree.attachDevice('vbd-768');
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    tree.removeNode('xvdc');
    expect(await listed()).toEqual([]);
  });

  it.each(['vbd-', 'vbd--1', 'vbd-05632', 'vbd-5632x', 'vbd-1e3', 'vbd-9999999999'])(
    'do not include %s',
    async (device) => {
      tree.attach(device, 'xvdc', '/dev/null');
      expect(await listed()).toEqual([]);
    },
  );

  it('are at most 26', async () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (let devid = 1; devid <= 27; devid += 1)
      tree.attach(`vbd-${devid}`, `xvd${letters[devid % 2]}${letters[devid >> 1]}`, '/dev/null');
    expect((await listed()).map(([devid]) => devid)).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
  });

  it('have different incarnations when one disk replaces another', async () => {
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    const [before] = await xenFrontends(tree.directories);
    expect(await xenFrontends(tree.directories)).toEqual([before]);
    tree.detach('vbd-5632', 'xvdc');
    tree.attach('vbd-5632', 'xvdc', '/dev/null');
    const [after] = await xenFrontends(tree.directories);
    expect({ ...after, incarnation: before?.incarnation }).toEqual(before);
    expect(after?.incarnation).not.toBe(before?.incarnation);
  });

  it('are none outside of Xen', async () => {
    expect(await xenFrontends({ devices: scratch('nowhere'), nodes: '/dev' })).toEqual([]);
  });

  it('cause an error when they cannot be listed', async () => {
    writeFileSync(scratch('file'), '');
    await expect(xenFrontends({ devices: scratch('file'), nodes: '/dev' })).rejects.toMatchObject({
      code: 'DISK_IO',
      details: { where: scratch('file'), found: 'ENOTDIR' },
    });
  });
});
