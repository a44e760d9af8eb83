/**
 * The stubdom agent and the scripts that start it: parts of stubferry itself, taken from its installation on this
 * machine.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StubferryError } from '../base/errors/index.js';
import { PACKAGE_ROOT } from '../base/package-root.js';
import type { Part } from './package-tree.js';

const DIRECTORY = '/usr/lib/stubferry';

/** The first program of the initramfs, on this machine. All other programs are in the root file system. */
export const FIRST_INIT = join(PACKAGE_ROOT, 'dist/stubdom/first-init');

/** The path of the agent's script in the image. */
export const AGENT_SCRIPT = `${DIRECTORY}/dist/agent.js`;
/** The path of the agent's code cache in the image. */
export const AGENT_CACHE = `${DIRECTORY}/dist/agent.cache`;
/** The path of the program that starts the agent from its code cache, in the image. */
export const AGENT_START = `${DIRECTORY}/dist/agent.cjs`;

/**
 * Lists the agent, its native addon and the scripts.
 *
 * @throws StubferryError PACKAGE_MISSING: when the agent is not built
 */
export async function agentParts(): Promise<Part[]> {
  const script = join(PACKAGE_ROOT, 'dist/agent.js');
  if (!existsSync(script)) {
    throw new StubferryError('PACKAGE_MISSING', 'the stubdom agent is not built', {
      where: script,
      hint: "run 'npm run build' in the directory of stubferry",
    });
  }
  // The only dependency with native code, which is compiled when stubferry is installed.
  const addon = join(dirname(createRequire(import.meta.url).resolve('fs-ext')), 'build/Release/fs_ext.node');
  const scripts = (await readdir(join(PACKAGE_ROOT, 'dist/stubdom'))).filter((name) => name.endsWith('.sh')).sort();
  return [
    { path: '/usr/sbin/init', source: join(PACKAGE_ROOT, 'dist/stubdom/init') },
    { path: AGENT_START, source: join(PACKAGE_ROOT, 'dist/stubdom/agent.cjs') },
    { path: AGENT_SCRIPT, source: script },
    // esbuild keeps fs-ext's require() of this path, which is relative to the script.
    { path: `${dirname(AGENT_SCRIPT)}/build/Release/fs_ext.node`, source: addon },
    { path: `${DIRECTORY}/package.json`, source: join(PACKAGE_ROOT, 'package.json') },
    ...scripts.map((name) => ({ path: `${DIRECTORY}/${name}`, source: join(PACKAGE_ROOT, 'dist/stubdom', name) })),
  ];
}
