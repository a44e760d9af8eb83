/** The agent for the stubdom, and the scripts that start it: parts of stubferry itself, as they are installed on this machine. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StubferryError } from '../base/errors/index.js';
import { PACKAGE_ROOT } from '../base/package-root.js';
import type { Part } from './package-tree.js';

const FOLDER = '/usr/lib/stubferry';

/** First program of the ramdisk; the others are of the system. */
export const FIRST_INIT = join(PACKAGE_ROOT, 'dist/stubdom/first-init');

/** Where in the image they are. */
export const AGENT_SCRIPT = `${FOLDER}/dist/agent.js`;
export const AGENT_CACHE = `${FOLDER}/dist/agent.cache`;
export const AGENT_START = `${FOLDER}/dist/agent.cjs`;

/** @throws StubferryError PACKAGE_MISSING */
export async function agentParts(): Promise<Part[]> {
  const script = join(PACKAGE_ROOT, 'dist/agent.js');
  if (!existsSync(script)) {
    throw new StubferryError('PACKAGE_MISSING', 'the agent for the stubdom is not built', {
      where: script,
      hint: "run 'npm run build' in the folder of stubferry",
    });
  }
  // The one dependency that is no JavaScript: it is built where stubferry is installed.
  const addon = join(dirname(createRequire(import.meta.url).resolve('fs-ext')), 'build/Release/fs_ext.node');
  const scripts = (await readdir(join(PACKAGE_ROOT, 'dist/stubdom'))).filter((name) => name.endsWith('.sh')).sort();
  return [
    { path: '/usr/sbin/init', source: join(PACKAGE_ROOT, 'dist/stubdom/init') },
    { path: AGENT_START, source: join(PACKAGE_ROOT, 'dist/stubdom/agent.cjs') },
    { path: AGENT_SCRIPT, source: script },
    // As esbuild leaves fs-ext's own require() of it: beside the script.
    { path: `${dirname(AGENT_SCRIPT)}/build/Release/fs_ext.node`, source: addon },
    { path: `${FOLDER}/package.json`, source: join(PACKAGE_ROOT, 'package.json') },
    ...scripts.map((name) => ({ path: `${FOLDER}/${name}`, source: join(PACKAGE_ROOT, 'dist/stubdom', name) })),
  ];
}
