/** The agent as it is in the image: a script with its code cache. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../src/base/version.js';
import { AGENT_CACHE, AGENT_SCRIPT, AGENT_START, agentParts } from '../../../src/image/agent-files.js';
import { makeCodeCache } from '../../../src/image/code-cache.js';
import { scratchFolder } from '../../support/image/elf-tree.js';

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
    root = await scratchFolder();
    for (const { path, source } of await agentParts()) {
      await mkdir(dirname(inRoot(path)), { recursive: true });
      await copyFile(source, inRoot(path));
    }
  });

  it('has what the agent compiles in a transfer, and is taken', async () => {
    await make();
    expect(start()).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
    // Of what runs before the first transfer alone it is half as large.
    const { size } = await stat(inRoot(AGENT_SCRIPT));
    expect((await stat(inRoot(AGENT_CACHE))).size).toBeGreaterThan(size);
  });

  it('is made without what the environment has for Node: in the stubdom there is nothing of it', async () => {
    process.env['NODE_OPTIONS'] = '--max-old-space-size=4000';
    try {
      await make();
    } finally {
      delete process.env['NODE_OPTIONS'];
    }
    expect(start()).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it('is not made when that is aborted, with its reason', async () => {
    const reason = new Error('not wanted any more');
    const abort = new AbortController();
    const making = make(abort.signal);
    setTimeout(() => abort.abort(reason), 20);
    await expect(making).rejects.toBe(reason);
    await expect(stat(inRoot(AGENT_CACHE))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is told of, and does no harm, when it is not for this Node', async () => {
    await make();
    const { status, stdout, stderr } = start('--no-opt');
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${VERSION}\n` });
    expect(stderr).toMatch(/^the code cache of the agent is not for this Node: /);
  });

  it('is not made, and the reason is told, when the agent does not run with the Node', async () => {
    await rm(inRoot('/usr/lib/stubferry/dist/build'), { recursive: true });
    await expect(make()).rejects.toMatchObject({
      code: 'UNFIT_PARTS',
      details: { where: process.execPath, found: "Cannot find module './build/Release/fs_ext.node'" },
    });
  });

  it('is made of a script that is all ASCII', async () => {
    expect(/^[\x20-\x7e\n]*$/.test(await readFile(inRoot(AGENT_SCRIPT), 'latin1'))).toBe(true);
    expect(`${execFileSync(process.execPath, ['--check', inRoot(AGENT_SCRIPT)])}`).toBe('');
  });
});
