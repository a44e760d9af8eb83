/** The shared libraries that programs need, and the check that they fit. */
import { describe, expect, it } from '@jest/globals';
import { SharedLibraries } from '../../../src/image/shared-libraries.js';
import { type DynamicFacts, elfWith } from '../../support/elf/elf-builder.js';
import { treeOf } from '../../support/image/elf-tree.js';

const LIB = '/usr/lib/x86_64-linux-gnu';

/** Returns the paths of the libraries that /usr/bin/program needs. */
async function librariesOf(program: DynamicFacts, files: Readonly<Record<string, DynamicFacts>>): Promise<string[]> {
  const images = Object.entries(files).map(([path, facts]) => [path, elfWith(facts)] as const);
  const tree = await treeOf({ ...Object.fromEntries(images), '/usr/bin/program': elfWith(program) });
  const libraries = new SharedLibraries(tree);
  await libraries.addFor({ path: '/usr/bin/program', source: (await tree.find('/usr/bin/program')) ?? '' });
  return libraries.parts.map(({ path }) => path);
}

describe('the libraries of a program', () => {
  it('are its direct and indirect dependencies, each once', async () => {
    const found = await librariesOf(
      { needed: ['libb.so', 'liba.so'] },
      {
        [`${LIB}/liba.so`]: { needed: ['libb.so', 'libc.so'] },
        [`${LIB}/libb.so`]: { needed: ['liba.so'] },
        [`${LIB}/libc.so`]: {},
        [`${LIB}/libnobody.so`]: {},
      },
    );
    expect(found).toEqual(['liba.so', 'libb.so', 'libc.so'].map((name) => `${LIB}/${name}`));
  });

  it('include the loader, at the path that the program names', async () => {
    const found = await librariesOf(
      { interpreter: '/lib64/ld-linux-x86-64.so.2', needed: ['libc.so.6'] },
      { '/lib64/ld-linux-x86-64.so.2': {}, [`${LIB}/libc.so.6`]: { needed: ['ld-linux-x86-64.so.2'] } },
    );
    expect(found).toEqual([`${LIB}/libc.so.6`, '/usr/lib64/ld-linux-x86-64.so.2']);
  });

  it('are searched in DT_RUNPATH first, where $ORIGIN is the directory of the file', async () => {
    const found = await librariesOf(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the loader
      { needed: ['liba.so'], runpath: '/opt/none:${ORIGIN}/../lib/program' },
      { '/usr/lib/program/liba.so': {}, [`${LIB}/liba.so`]: {} },
    );
    expect(found).toEqual(['/usr/lib/program/liba.so']);
  });

  it('must exist', async () => {
    await expect(librariesOf({ needed: ['libgone.so.1'] }, {})).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      details: { where: 'libgone.so.1', hint: 'apt-get install package with libgone.so.1' },
    });
  });

  it('must have the required symbol versions', async () => {
    const program = { needed: ['libc.so.6'], requires: { 'libc.so.6': ['GLIBC_2.36'] } };
    const old = { [`${LIB}/libc.so.6`]: { provides: ['GLIBC_2.31', 'GLIBC_2.2.5'] } };
    await expect(librariesOf(program, old)).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { expected: 'libc.so.6 with symbols of version GLIBC_2.36' },
    });
    const fit = { [`${LIB}/libc.so.6`]: { provides: ['GLIBC_2.31', 'GLIBC_2.36'] } };
    expect(await librariesOf(program, fit)).toEqual([`${LIB}/libc.so.6`]);
  });

  it('must be for the same processor', async () => {
    const [needed, arm] = [['liba.so'], 183];
    await expect(librariesOf({ needed }, { [`${LIB}/liba.so`]: { machine: arm } })).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { expected: 'a file for amd64', found: 'machine 183' },
    });
  });

  it('are none for a script', async () => {
    const tree = await treeOf({ '/usr/sbin/init': '#!/bin/sh\n' });
    const libraries = new SharedLibraries(tree);
    await libraries.addFor({ path: '/usr/sbin/init', source: (await tree.find('/usr/sbin/init')) ?? '' });
    expect(libraries.parts).toEqual([]);
  });
});
