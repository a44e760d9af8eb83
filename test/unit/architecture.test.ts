/** The rooms of src/, and which room may import which: the arrows that there are, and no others. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** From the bottom up: a room, and the rooms below it that it imports. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  formats: ['base'],
  'blockdev-utils': ['base'],
  io: ['base', 'formats', 'blockdev-utils'],
  transfer: ['base', 'formats', 'blockdev-utils'],
  qemu: ['base', 'formats', 'io'],
  states: ['base', 'formats', 'blockdev-utils', 'io'],
  xen: ['base', 'formats', 'blockdev-utils', 'transfer'],
  image: ['base'],
  agents: ['base', 'formats', 'blockdev-utils', 'io', 'transfer', 'qemu', 'states', 'xen'],
  service: ['base', 'formats', 'blockdev-utils', 'io', 'transfer', 'xen', 'agents'],
  cli: [
    ...['base', 'formats', 'blockdev-utils', 'io', 'transfer', 'qemu', 'states'],
    ...['xen', 'image', 'agents', 'service'],
  ],
};

/** The same within the rooms whose parts have an order of their own. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  'base/errors': [],
  'base/time': ['base/errors'],
  'formats/protocol': ['base/errors'],
  'formats/pull-parser': ['base/errors'],
  'formats/qevm': ['base/errors', 'formats/protocol'],
  'formats/libvirt-save': ['formats/pull-parser'],
  'formats/xen/libxc-stream': ['formats/pull-parser'],
  'formats/xen/libxl-stream': ['base/errors', 'formats/pull-parser', 'formats/xen/libxc-stream'],
  'formats/xen/xl-save': ['formats/pull-parser', 'formats/xen/libxl-stream'],
  'formats/statefile': ['base/errors', 'formats', 'formats/protocol'],
  'image/cpio': ['base/errors'],
  'image/elf': ['base/errors'],
  'image/icu': ['base/errors'],
  'transfer/ring': ['base/errors', 'base/time', 'blockdev-utils', 'formats/protocol'],
  'xen/xenstore': ['base/errors', 'base/time'],
  'xen/xenstore/wire': ['base/errors'],
  'qemu/qmp': ['base/errors', 'base/time'],
  'qemu/proxy': ['base/errors', 'base/time', 'qemu/qmp'],
};

/** What the rooms without I/O may use besides each other: it computes, or asks for the time. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'formats/protocol': ['protobufjs/minimal.js', 'xxhash-wasm', 'node:crypto'],
  'base/time': ['node:timers/promises'],
};

/** They read the program's own package.json. */
const ABOUT_ITSELF = ['base/version.ts', 'base/package-root.ts'];

/** Of `import ... from 'x'`, `export ... from 'x'`, `import 'x'` and `import('x')` the `x`. */
const IMPORTED = /^(?:import|export)\s[^;'"]*?\bfrom\s*['"]([^'"]+)|^import\s*['"]([^'"]+)|\bimport\(\s*['"]([^'"]+)/gm;

interface Import {
  /** Path within src/. */
  readonly file: string;
  readonly imported: string;
  /** Path within src/, for an import of ours. */
  readonly target: string | undefined;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(IMPORTED)].map(([, from, effect, dynamic]) => {
    const imported = from ?? effect ?? dynamic ?? '';
    return { file, imported, target: imported.startsWith('.') ? normalize(join(dirname(file), imported)) : undefined };
  });
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.d)\.[jt]s$/.test(file));
const IMPORTS = FILES.flatMap(importsOf);

const roomOf = (path: string): string => path.split('/')[0] ?? path;
const partOf = (path: string): string => dirname(path);
const isIn = (path: string, part: string): boolean => path.startsWith(`${part}/`);
const said = ({ file, imported }: Import): string => `${file} imports ${imported}`;

/** `a -> b` for each two places of which files in the one import files in the other. */
function arrows(placeOf: (path: string) => string): Set<string> {
  const between = IMPORTS.flatMap(({ file, target }) =>
    target === undefined ? [] : [[placeOf(file), placeOf(target)]],
  );
  return new Set(between.filter(([from, to]) => from !== to).map(([from, to]) => `${from} -> ${to}`));
}

describe('the rooms of src/', () => {
  it('are those of the table, and nothing lies beside them', () => {
    expect([...new Set(FILES.map(roomOf))].sort()).toEqual(Object.keys(ROOMS).sort());
  });

  it('import each other as the table says: no arrow more, and none that is there no more', () => {
    const allowed = Object.entries(ROOMS).flatMap(([room, below]) => below.map((other) => `${room} -> ${other}`));
    expect([...arrows(roomOf)].sort()).toEqual(allowed.sort());
  });

  it('are in the table from the bottom up', () => {
    const order = Object.keys(ROOMS);
    const wrong = Object.entries(ROOMS).flatMap(([room, below]) =>
      below.filter((other) => order.indexOf(other) >= order.indexOf(room)).map((other) => `${room} -> ${other}`),
    );
    expect(wrong).toEqual([]);
  });
});

it.each(Object.entries(PARTS))('%s imports only what the table says', (part, allowed) => {
  const wrong = IMPORTS.filter(({ file, target }) => {
    if (partOf(file) !== part || target === undefined) return false;
    return !isIn(target, part) && !allowed.includes(partOf(target));
  });
  expect(FILES.some((file) => isIn(file, part))).toBe(true);
  expect(wrong.map(said)).toEqual([]);
});

it('base and formats do no input and output: they import nothing of Node and no package but those of the table', () => {
  const wrong = IMPORTS.filter(({ file, imported, target }) => {
    if (!['base', 'formats'].includes(roomOf(file)) || ABOUT_ITSELF.includes(file) || target !== undefined)
      return false;
    const part = Object.keys(PACKAGES).find((one) => isIn(file, one)) ?? '';
    return !(PACKAGES[part] ?? []).includes(imported);
  });
  expect(wrong.map(said)).toEqual([]);
});

it('only cli prints', () => {
  const prints = FILES.filter((file) => {
    return (
      roomOf(file) !== 'cli' && /\bprocess\.(?:stdout|stderr)\b|\bconsole\./.test(readFileSync(join(SRC, file), 'utf8'))
    );
  });
  expect(prints).toEqual([]);
});

it('only agents and cli know the version of the program', () => {
  const wrong = IMPORTS.filter(({ file, target }) => {
    return target === 'base/version.js' && !['agents', 'cli'].includes(roomOf(file));
  });
  expect(wrong.map(said)).toEqual([]);
});
