/** The code cache of the agent in the image. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../src/base/version.js';
import { AGENT_CACHE, AGENT_SCRIPT, AGENT_START, agentParts } from '../../../src/image/agent-files.js';
import { makeCodeCache } from '../../../src/image/code-cache.js';
import { scratchDirectory } from '../../support/image/elf-tree.js';

const NEVER = new AbortController().signal;

describe("the agent's code cache", () => {
  let root = '';
  const inRoot = (path: string): string => join(root, path);
  const make = (signal = NEVER): Promise<void> => {
    const [start, script, cache] = [inRoot(AGENT_START), inRoot(AGENT_SCRIPT), inRoot(AGENT_CACHE)];
    return makeCodeCache({ node: process.execPath, start, script, cache }, signal);
  };
  const start = (...flags: string[]) => {
    const args = [...flags, inRoot(AGENT_START), '--version'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} });
    return { status, stdout, stderr };
  };

  beforeEach(async () => {
    root = await scratchDirectory();
    for (const { path, source } of await agentParts()) {
      await mkdir(dirname(inRoot(path)), { recursive: true });
      await copyFile(source, inRoot(path));
    }
  });

  it('contains the code that a transfer needs, and is accepted by V8', async () => {
    await make();
    expect(start()).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
    // A cache of only the code that runs before the first transfer is half as large.
    const { size } = await stat(inRoot(AGENT_SCRIPT));
    expect((await stat(inRoot(AGENT_CACHE))).size).toBeGreaterThan(size);
  });

  it('is made without the variables for Node of the environment, which the stubdom does not have', async () => {
    process.env['NODE_OPTIONS'] = '--max-old-space-size=4000';
    try {
      await make();
    } finally {
      delete process.env['NODE_OPTIONS'];
    }
    expect(start()).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it('is not made when the signal aborts, and the call rejects with its reason', async () => {
    const reason = new Error('cancelled');
    const abort = new AbortController();
    const making = make(abort.signal);
    setTimeout(() => abort.abort(reason), 20);
    await expect(making).rejects.toBe(reason);
    await expect(stat(inRoot(AGENT_CACHE))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('only causes a warning when it does not fit this Node', async () => {
    await make();
    const { status, stdout, stderr } = start('--no-opt');
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${VERSION}\n` });
    expect(stderr).toMatch(/^the code cache of the agent is not for this Node: /);
  });

  it('is not made when the agent does not run with the Node, and the error contains the reason', async () => {
    await rm(inRoot('/usr/lib/stubferry/dist/build'), { recursive: true });
    await expect(make()).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { where: process.execPath, found: "Cannot find module './build/Release/fs_ext.node'" },
    });
  });

  it('is made of a script that contains only ASCII characters', async () => {
    expect(/^[\x20-\x7e\n]*$/.test(await readFile(inRoot(AGENT_SCRIPT), 'latin1'))).toBe(true);
    expect(`${execFileSync(process.execPath, ['--check', inRoot(AGENT_SCRIPT)])}`).toBe('');
  });
});
