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

/** The files that stubferry creates in its default directories, and all loop devices of transfer disks in use. */
async function traces(): Promise<string[]> {
  const found: string[] = [];
  for (const directory of ['/dev/shm', tmpdir()]) {
    const names = existsSync(directory) ? await readdir(directory) : [];
    found.push(...names.filter((name) => /^stubferry-(?!test-)/.test(name)).map((name) => `${directory}/${name}`));
  }
  const loops = execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'], {
    encoding: 'utf8',
  });
  return [...found, ...loops.split('\n').filter((file) => file.includes('transfer.img'))];
}

/** Other suites run at the same time and leave traces for a while. Those disappear; the trace of an orphan stays. */
async function expectNothingNew(before: readonly string[]): Promise<void> {
  let rest = await traces();
  for (let attempt = 0; attempt < 120 && rest.some((name) => !before.includes(name)); attempt += 1) {
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
  ['a save that exceeds a limit', 16, () => ['save', '-i', DEVICE_STATE.path, '-o', '-', '--spool-limit', '1K']],
];

describe('with the default directories for transfer disk and spool', () => {
  it.each(WORK)(
    '%s leaves no trace in /dev/shm, the temporary directory or the loop devices',
    async (_, exit, args) => {
      const before = await traces();
      expect((await stubferry(args())).exit).toBe(exit);
      await expectNothingNew(before);
    },
  );
});
