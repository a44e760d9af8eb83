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

  it('come each once, after those that they need', async () => {
    const modules = await KernelModules.in(folder);
    expect(modules.withNeeds(['b-c', 'a'])).toEqual(['k/d.ko', 'k/b-c.ko', 'k/a.ko']);
  });

  it('have the same name with a dash and with an underscore', async () => {
    expect((await KernelModules.in(folder)).withNeeds(['b_c'])).toEqual(['k/d.ko', 'k/b-c.ko']);
  });

  it('that there are not are told', async () => {
    const modules = await KernelModules.in(folder);
    expect(() => modules.withNeeds(['x'])).toThrow('no module x');
  });
});
