/**
 * Makes the copies of the product that are simulated: src/ without its types. Imports of the modules that access files,
 * time or random numbers are replaced by imports of platform/. Only a mutation changes anything else.
 *
 * Each machine has its own copy, which shows from which machine a call comes.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import { type Mutation, mutated } from './mutations.js';

/** Modules that the product imports, and the modules of platform/ that replace them. */
const PLATFORM: Readonly<Record<string, string>> = {
  'node:fs': 'fs.js',
  'node:fs/promises': 'fs-promises.js',
  'node:timers/promises': 'timers-promises.js',
  'node:crypto': 'crypto.js',
  'fs-ext': 'fs-ext.js',
  './warm-up/warm-up.js': 'warm-up.js',
  '../warm-up/warm-up.js': 'warm-up.js',
};

/** Imports that are not replaced: modules without effects outside of the process, or that no simulated code reaches. */
const AS_THEY_ARE =
  /^(\.|node:(path|url|util|events|net|http|os|stream|readline|child_process|zlib)$|zod\/mini$|xxhash-wasm$|protobufjs\/|prom-client$)/;

const GLOBALS = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'performance',
  'Date',
  'process',
  'WebAssembly',
];

/** Directories of src/ that no simulated code imports. */
const LEFT_OUT = /^(cli|service\/doctor|image|states\/conversions)(\/|$)/;

/**
 * Matches `import ... from 'x'`, `export ... from 'x'` and `import 'x'`, also after a comment on the same line. The
 * groups are the text before x, and x.
 */
const IMPORT = /(?<=^|\*\/ )((?:import|export)\s[\w\s{},*$]*?\sfrom\s*['"]|import\s*['"])([^'"]+)/gm;

export interface Places {
  /** The path of the repository. */
  readonly root: string;
  /** The directory for the copies. It must be below `root`, so that they find its node_modules. */
  readonly scratch: string;
}

/**
 * Makes one copy.
 * @param name the name of its directory
 * @returns the URL of its directory
 * @throws Error for an unknown import, and for a mutation that does not apply
 */
export function copyProduct({ root, scratch }: Places, name: string, mutation: Mutation | undefined): URL {
  const to = join(scratch, name);
  const src = join(root, 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.d)\.[jt]s$/.test(file));
  const wanted = new Map<string, Set<string>>();
  const pending = new Set(mutation?.changes.map(({ file }) => file));
  for (const file of files.filter((path) => !LEFT_OUT.test(path))) {
    const target = join(to, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    if (file.endsWith('.js')) {
      cpSync(join(src, file), target);
      continue;
    }
    const source = mutated(file, readFileSync(join(src, file), 'utf8'), mutation);
    pending.delete(file);
    writeFileSync(target, redirected(file, withoutTypes(source), wanted));
  }
  if (pending.size > 0) throw new Error(`no such file to mutate: ${[...pending].join(', ')}`);
  cpSync(join(scratch, 'harness/platform'), join(to, 'platform'), { recursive: true });
  for (const [module, names] of wanted) refuseTheRest(join(to, 'platform', module), names);
  // The product reads its version from this file.
  writeFileSync(join(scratch, 'package.json'), '{ "version": "0.0.0", "type": "module" }');
  return pathToFileURL(`${to}/`);
}

/** The compiled code by its source. The copies share the files that no mutation has changed. */
const compiled = new Map<string, string>();

function withoutTypes(source: string): string {
  const known = compiled.get(source) ?? compile(source);
  compiled.set(source, known);
  return known;
}

function compile(source: string): string {
  const parser = { syntax: 'typescript' } as const;
  return transformSync(source, { jsc: { parser, target: 'es2022' }, module: { type: 'es6' } }).code;
}

/** Adds the exports that the product imports and the module of platform/ lacks. They throw when they are called. */
function refuseTheRest(path: string, names: ReadonlySet<string>): void {
  const code = readFileSync(path, 'utf8');
  const missing = [...names].filter((name) => !new RegExp(`\\bexport [^;=(]*\\b${name}\\b`).test(code));
  const refusals = missing.map((name) => {
    return `export function ${name}() { throw new Error('${name} is not simulated'); }`;
  });
  writeFileSync(path, [code, ...refusals].join('\n'));
}

function redirected(file: string, code: string, wanted: Map<string, Set<string>>): string {
  // These modules only read the program's own package.json.
  if (file === 'base/version.ts' || file === 'base/package-root.ts') return code;
  const platform = relative(dirname(file), 'platform') || '.';
  const specifier = (name: string): string => `${platform.startsWith('.') ? '' : './'}${platform}/${name}`;
  const imports = code.replaceAll(IMPORT, (_, before: string, imported: string) => {
    const replacement = PLATFORM[imported];
    if (replacement !== undefined) {
      const names = wanted.get(replacement) ?? new Set();
      for (const [, name] of before.matchAll(/[{,]\s*(\w+)/g)) if (name !== undefined) names.add(name);
      wanted.set(replacement, names);
      return `${before}${specifier(replacement)}`;
    }
    if (AS_THEY_ARE.test(imported)) return `${before}${imported}`;
    throw new Error(`src/${file} imports ${imported}: declare in copies.ts whether it is simulated`);
  });
  const used = GLOBALS.filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  const own = used.filter((name) => !new RegExp(`\\bas ${name}\\b|import \\{[^}]*\\b${name}\\b(?! as)`).test(code));
  return own.length === 0 ? imports : `import { ${own.join(', ')} } from '${specifier('globals.js')}';\n${imports}`;
}
