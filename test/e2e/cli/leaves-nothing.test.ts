import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(120_000);

/** Whatever stubferry makes by itself where nobody says where, and all loop devices that are in use. */
async function traces(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['/dev/shm', tmpdir()]) {
    const names = existsSync(folder) ? await readdir(folder) : [];
    found.push(...names.filter((name) => /^stubferry-(?!test-)/.test(name)).map((name) => `${folder}/${name}`));
  }
  const loops = execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'], {
    encoding: 'utf8',
  });
  return [...found, ...loops.split('\n').filter((file) => file.includes('transfer.img'))];
}

/** Other suites run at the same time, and have traces of their own for a while: those go, a lost one stays. */
async function expectNothingNew(before: readonly string[]): Promise<void> {
  let rest = await traces();
  for (let look = 0; look < 120 && rest.some((name) => !before.includes(name)); look += 1) {
    await delay(500);
    const now = await traces();
    rest = rest.filter((name) => now.includes(name));
  }
  expect(rest.filter((name) => !before.includes(name))).toEqual([]);
}

const WORK: readonly (readonly [string, number, () => readonly string[]])[] = [
  ['save', 0, () => ['save', '-i', DEVICE_STATE.path, '-o', scratch.path('out')]],
  ['restore', 0, () => ['restore', DEVICE_STATE.path, '-o', '-']],
  ['replay', 0, () => ['replay', DEVICE_STATE.path]],
  ['a refused save', 10, () => ['save', '-i', scratch.path('absent'), '-o', scratch.path('out')]],
  ['a refused replay', 10, () => ['replay', scratch.path('absent')]],
  ['a save beyond a limit', 16, () => ['save', '-i', DEVICE_STATE.path, '-o', '-', '--spool-limit', '1K']],
];

describe('with transfer disk and spool where they are by default', () => {
  it.each(WORK)('%s leaves no trace in /dev/shm, the temporary folder or the loop devices', async (_, exit, args) => {
    const before = await traces();
    expect((await stubferry(args())).exit).toBe(exit);
    await expectNothingNew(before);
  });
});
