/** Programs of in-dom0/, each bundled into one file, as a tar archive: beside stubferry, whose packages they use. */
import { mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, stop } from 'esbuild';
import { run } from '../build/run.js';

const TESTS = fileURLToPath(new URL('../../', import.meta.url));

/** In dom0; each program is NAME.mjs there. */
export const CHECKS_FOLDER = '/usr/local/lib/node_modules/stubferry/dist/xen-lab';

const PROGRAMS = {
  'comply-in-dom0': 'support/hotplug/comply-in-dom0.ts',
  'xenstore-suites': 'xen/in-dom0/xenstore-suites.ts',
  'attach-times': 'xen/in-dom0/attach-times.ts',
  'known-to-libxl': 'xen/in-dom0/known-to-libxl.ts',
  tamper: 'xen/in-dom0/tamper.ts',
  'two-toolstacks': 'xen/in-dom0/two-toolstacks.ts',
} as const;

export type CheckName = keyof typeof PROGRAMS;

/** What a suite takes for jest, and for the xenstored of the tests, is something else in dom0. */
const STAND_INS: Readonly<Record<string, string>> = {
  '@jest/globals': 'xen/in-dom0/jest-globals.ts',
  'support/xenstore/stage.js': 'xen/in-dom0/xenstore-stage.ts',
  'support/xenstore/xenstored.js': 'xen/in-dom0/xenstore-stage.ts',
};

const standIns: Plugin = {
  name: 'stand-ins',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^@jest\/globals$|\/(?:stage|xenstored)\.js$/ }, ({ path, resolveDir }) => {
      const instead = STAND_INS[path.startsWith('.') ? relative(TESTS, join(resolveDir, path)) : path];
      return instead === undefined ? undefined : { path: join(TESTS, instead) };
    });
  },
};

/** `folder` is for work; the archive is in it. */
export async function checksForDom0(folder: string): Promise<string> {
  const root = join(folder, 'checks');
  const out = join(root, CHECKS_FOLDER);
  await mkdir(out, { recursive: true });
  await build({
    entryPoints: Object.fromEntries(Object.entries(PROGRAMS).map(([name, path]) => [name, join(TESTS, path)])),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // They are in stubferry's node_modules, and one of them is native.
    external: ['fs-ext', 'pino', 'protobufjs', 'xxhash-wasm', 'zod'],
    // What CommonJS modules in the bundle take for given.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = import.meta.dirname;",
    },
    // package.json says of `src` that importing it alone does nothing; a suite is imported for nothing else.
    ignoreAnnotations: true,
    plugins: [standIns],
    logLevel: 'error',
  });
  // Otherwise its process stays as a child of this one.
  await stop();
  const archive = join(folder, 'checks.tar');
  await run('tar', ['-c', '-f', archive, '--owner=0', '--group=0', '-C', root, '.']);
  await rm(root, { recursive: true });
  return archive;
}
