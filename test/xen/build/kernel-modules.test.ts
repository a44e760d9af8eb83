import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KernelModules } from './kernel-modules.js';

describe('kernel modules', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modules-'));
    await writeFile(join(folder, 'modules.dep'), 'k/a.ko: k/b-c.ko k/d.ko\nk/b-c.ko: k/d.ko\nk/d.ko:\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are each listed once, after their dependencies', async () => {
    const modules = await KernelModules.in(folder);
    expect(modules.withNeeds(['b-c', 'a'])).toEqual(['k/d.ko', 'k/b-c.ko', 'k/a.ko']);
  });

  it('are found by a name with dashes or with underscores', async () => {
    expect((await KernelModules.in(folder)).withNeeds(['b_c'])).toEqual(['k/d.ko', 'k/b-c.ko']);
  });

  it('are reported when they do not exist', async () => {
    const modules = await KernelModules.in(folder);
    expect(() => modules.withNeeds(['x'])).toThrow('no module x');
  });
});
