/** Who may import whom: one direction, so that each layer can be understood without those above it. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** From the top down: a folder may import from those after it. */
const LAYERS = [
  'cli',
  'doctor',
  'service',
  'conversions',
  'image',
  'agents',
  'hotplug',
  'qemu',
  'qmp',
  'statefile',
  'containers',
  'endpoints',
  'transfer',
  'channel',
  'xenstore',
  'blockdev-utils',
];

/** Below the layers, and without any I/O: what each of these may import of ours. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  'xl-save': ['libxl-stream', 'stream-walk', 'errors'],
  'libxl-stream': ['libxc-stream', 'stream-walk', 'errors'],
  'libxc-stream': ['stream-walk', 'errors'],
  'libvirt-save': ['stream-walk', 'errors'],
  'stream-walk': ['errors'],
  qevm: ['codec', 'errors'],
  elf: ['errors'],
  cpio: ['errors'],
  icu: ['errors'],
  codec: ['errors'],
  errors: [],
};

/** The packages that the pure folders may use. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  codec: ['protobufjs/minimal.js', 'xxhash-wasm'],
};

/** Of `import ... from 'x'`, `export ... from 'x'`, `import 'x'` and `import('x')` the `x`. */
const IMPORTED = /^(?:import|export)\s[^;'"]*?\bfrom\s*['"]([^'"]+)|^import\s*['"]([^'"]+)|\bimport\(\s*['"]([^'"]+)/gm;

interface Import {
  /** Path within src/. */
  readonly file: string;
  /** The folder under src/ that the file is in; the file itself, if it is in none. */
  readonly folder: string;
  readonly imported: string;
}

/** What the program knows of itself. */
const ABOUT_ITSELF = ['version.js', 'package-root.js'];

function folderOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  return [...text.matchAll(IMPORTED)].map(([, from, effect, dynamic]) => {
    return { file, folder: folderOf(file), imported: from ?? effect ?? dynamic ?? '' };
  });
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.d)\.[jt]s$/.test(file));
const IMPORTS = FILES.flatMap(importsOf);
const WITHIN = IMPORTS.filter(({ imported }) => imported.startsWith('.')).map((found) => ({
  ...found,
  target: folderOf(normalize(join(dirname(found.file), found.imported))),
}));

const said = ({ file, imported }: Import): string => `${file} imports ${imported}`;

describe('the folders of src/', () => {
  it('are those that have a place in the order', () => {
    const folders = new Set(FILES.map(folderOf));
    expect([...folders].sort()).toEqual([...LAYERS, ...Object.keys(PURE), 'package-root.ts', 'version.ts'].sort());
  });

  it('import in one direction', () => {
    const below = (folder: string): readonly string[] => {
      const layer = LAYERS.indexOf(folder);
      return layer === -1 ? (PURE[folder] ?? []) : [...LAYERS.slice(layer + 1), ...Object.keys(PURE)];
    };
    const wrong = WITHIN.filter(({ folder, target }) => {
      return target !== folder && !ABOUT_ITSELF.includes(target) && !below(folder).includes(target);
    });
    expect(wrong.map(said)).toEqual([]);
  });

  it('import something at all: what is checked here is there', () => {
    for (const layer of LAYERS)
      expect(WITHIN.some(({ folder, target }) => folder !== target && folder === layer)).toBe(true);
  });

  it('know the version of the program in agents and cli only', () => {
    const wrong = WITHIN.filter(({ folder, target }) => {
      return target === 'version.js' && folder !== 'agents' && folder !== 'cli';
    });
    expect(wrong.map(said)).toEqual([]);
  });
});

describe('xenstore/wire', () => {
  it('is pure: it imports nothing but itself and errors', () => {
    const wrong = IMPORTS.filter(({ file, imported }) => {
      return file.startsWith('xenstore/wire/') && !/^(\.\/[^/]+|\.\.\/\.\.\/errors\/index)\.js$/.test(imported);
    });
    expect(wrong.map(said)).toEqual([]);
  });
});

describe('codec, qevm and errors', () => {
  it('are pure: they import nothing but each other and the packages of the codec, so nothing of Node', () => {
    const wrong = IMPORTS.filter(({ folder, imported }) => {
      const isOurs = imported.startsWith('.');
      return folder in PURE && !isOurs && !(PACKAGES[folder] ?? []).includes(imported);
    });
    expect(wrong.map(said)).toEqual([]);
  });
});
