import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { documentOf, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();

const COMMANDS: readonly (readonly [string, () => readonly string[], readonly string[]])[] = [
  ['save', () => ['save', '-i', DEVICE_STATE.path, '-o', scratch.path('x'), ...scratch.options], ['save']],
  ['restore', () => ['restore', DEVICE_STATE.path, '-o', scratch.path('x'), ...scratch.options], ['restore']],
  ['replay', () => ['replay', DEVICE_STATE.path, ...scratch.options], ['replayed']],
  ['verify', () => ['verify', DEVICE_STATE.path], ['verified']],
  ['a failed verify', () => ['verify', '/dev/null'], ['error']],
  ['a failed save', () => ['save', '-i', scratch.path('none'), '-o', scratch.path('x')], ['error']],
];

describe('--json', () => {
  it.each(COMMANDS)('prints exactly one document on standard output for %s', async (_, args, keys) => {
    const ended = await stubferry(['--json', '--log-level', 'debug', ...args()]);
    expect(Object.keys(documentOf<object>(ended))).toEqual(keys);
  });

  it('is also accepted after the command', async () => {
    const ended = await stubferry(['exit-codes', '--json']);
    expect(documentOf(ended)).toMatchObject({ ok: 0, USAGE: 2 });
  });

  it('keeps the logs on standard error, one document on a line', async () => {
    const args = ['save', '-i', DEVICE_STATE.path, '-o', scratch.path('x'), ...scratch.options];
    const { stderr } = await stubferry(['--json', '--log-level', 'info', ...args]);
    const lines = stderr.trimEnd().split('\n');
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages.toSorted()).toEqual([
      'opened the transfer disk',
      'opened the transfer disk',
      'transfer done',
      'transfer done',
    ]);
  });

  it('prints no document when the state goes to standard output, even for a failed save', async () => {
    await writeFile(scratch.path('none'), 'not a state');
    const args = ['save', '-i', scratch.path('none'), '-o', '-', ...scratch.options];
    const { exit, stdout } = await stubferry(['--json', ...args]);
    expect({ exit, stdout: stdout.toString() }).toEqual({ exit: 11, stdout: '' });
  });
});
