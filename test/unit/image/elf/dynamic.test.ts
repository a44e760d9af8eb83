/** The dynamic section of a program or library. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { dynamicSectionOf } from '../../../../src/image/elf/dynamic.js';
import { EM_X86_64, interpreterOf, isElf, parseElf } from '../../../../src/image/elf/elf-file.js';
import { elfWith } from '../../../support/elf/elf-builder.js';
import { errorOf } from '../../../support/protocol/error-of.js';

const names = fc.stringMatching(/^[a-zA-Z0-9._+-]{1,24}$/);
const lists = fc.array(names, { maxLength: 5 });

/** Reads a file that may be damaged. @returns true when it is read, or refused with UNFIT_PARTS */
function refusedOrRead(bytes: Buffer): boolean {
  try {
    const file = parseElf(bytes);
    dynamicSectionOf(file);
    interpreterOf(file);
    return true;
  } catch (error) {
    return error instanceof StubferryError && error.code === 'UNFIT_PARTS';
  }
}

describe('the dynamic section', () => {
  it('decodes to the facts that were encoded', () => {
    const facts = fc.record({
      soname: names,
      needed: lists,
      runpath: fc.uniqueArray(names, { minLength: 1, maxLength: 3 }),
      requires: fc.dictionary(
        names.filter((name) => name !== '__proto__'),
        fc.array(names, { minLength: 1, maxLength: 3 }),
        { maxKeys: 3 },
      ),
      provides: lists,
      interpreter: names,
    });
    fc.assert(
      fc.property(facts, ({ soname, needed, runpath, requires, provides, interpreter }) => {
        const file = parseElf(elfWith({ soname, needed, runpath: runpath.join(':'), requires, provides, interpreter }));
        const versions = Object.entries(requires).flatMap(([library, list]) =>
          list.map((version) => ({ library, version })),
        );
        expect(dynamicSectionOf(file)).toEqual({ soname, needed, runpath, requires: versions, provides });
        expect(interpreterOf(file)).toBe(interpreter);
      }),
    );
  });

  it('is empty for a program that is linked statically', () => {
    const file = parseElf(Buffer.concat([elfWith({}).subarray(0, 56), Buffer.alloc(8)]));
    expect(dynamicSectionOf(file).needed).toEqual([]);
    expect(interpreterOf(file)).toBeUndefined();
  });

  it('of the Node that runs this test names the loader, and the C library with versions', () => {
    const file = parseElf(readFileSync(process.execPath));
    expect(interpreterOf(file)).toBe('/lib64/ld-linux-x86-64.so.2');
    const { needed, requires } = dynamicSectionOf(file);
    expect(needed).toContain('libc.so.6');
    expect(requires).toContainEqual({ library: 'libc.so.6', version: 'GLIBC_2.2.5' });
    expect(file.machine).toBe(EM_X86_64);
  });

  it('of a file that is truncated anywhere is read or refused with UNFIT_PARTS', () => {
    const whole = elfWith({
      soname: 'a',
      needed: ['b'],
      requires: { b: ['V1', 'V2'] },
      provides: ['W'],
      interpreter: '/l',
    });
    for (let length = 0; length < whole.length; length += 1)
      expect(refusedOrRead(whole.subarray(0, length))).toBe(true);
  });

  it('of a file with changed bytes is read or refused with UNFIT_PARTS, within bounded time and memory', () => {
    const whole = elfWith({
      soname: 'a',
      needed: ['b'],
      requires: { b: ['V1', 'V2'] },
      provides: ['W'],
      interpreter: '/l',
    });
    const changes = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(changes, { minLength: 1, maxLength: 4 }), (list) => {
        const changed = Buffer.from(whole);
        for (const { at, value } of list) changed[at] = value;
        expect(refusedOrRead(changed)).toBe(true);
      }),
    );
  });
});

describe('a file that is not an ELF file', () => {
  it.each([
    ['is empty', Buffer.alloc(0), 'no ELF header'],
    ['is a script', Buffer.from(`#!/bin/sh\n${'#'.repeat(100)}`), 'no ELF header'],
    [
      'has 32 bits',
      Buffer.concat([Buffer.from('7f454c4601010100', 'hex'), Buffer.alloc(64)]),
      'not a 64-bit little-endian file',
    ],
  ])('is refused when it %s', (_, bytes, found) => {
    expect(errorOf(() => parseElf(bytes))).toMatchObject({ code: 'UNFIT_PARTS', details: { found } });
  });

  it('is told apart from an ELF file by isElf()', () => {
    expect([isElf(Buffer.from('#!/bin/sh')), isElf(elfWith({}))]).toEqual([false, true]);
  });
});
