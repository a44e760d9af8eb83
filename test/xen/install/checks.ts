/** Bundles each program of in-dom0/ into one file of a tar archive. They use the packages of stubferry in dom0. */
import { mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, stop } from 'esbuild';
import { run } from '../build/run.js';

const TESTS = fileURLToPath(new URL('../../', import.meta.url));

/** The directory of the programs in dom0. The file name of a program is NAME.mjs. */
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

/** Modules that replace jest and the xenstored of the unit tests when a suite runs in dom0. */
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

/** Makes the archive of all programs. @param folder a working directory @returns the path of the archive in it */
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
    // These packages are in stubferry's node_modules. One of them is native.
    external: ['fs-ext', 'pino', 'protobufjs', 'xxhash-wasm', 'zod'],
    // CommonJS modules in the bundle need these variables.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = import.meta.dirname;",
    },
    // package.json declares that the modules in `src` have no side effects. Suites are imported only for side effects.
    ignoreAnnotations: true,
    plugins: [standIns],
    logLevel: 'error',
  });
  // Without this, the process of esbuild stays as a child of this one.
  await stop();
  const archive = join(folder, 'checks.tar');
  await run('tar', ['-c', '-f', archive, '--owner=0', '--group=0', '-C', root, '.']);
  await rm(root, { recursive: true });
  return archive;
}
