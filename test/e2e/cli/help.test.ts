import { describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../src/base/version.js';
import { stubferry } from '../../support/cli/run-stubferry.js';

const COMMANDS = [
  [],
  ['save'],
  ['restore'],
  ['replay'],
  ['inspect'],
  ['diff'],
  ['check'],
  ['verify'],
  ['agent'],
  ['agent', 'dom0'],
  ['agent', 'stubdom'],
  ['exit-codes'],
];

describe('--help', () => {
  it.each(COMMANDS.map((names) => [['stubferry', ...names].join(' '), names] as const))(
    '%s --help prints to standard output and exits with status 0',
    async (name, names) => {
      const { exit, stdout, stderr } = await stubferry([...names, '--help']);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect(stdout.toString()).toMatch(new RegExp(`^Usage: ${name} `));
    },
  );

  it('lists every command and the ranges of exit status', async () => {
    const text = (await stubferry(['--help'])).stdout.toString();
    for (const name of ['save', 'restore', 'replay', 'inspect', 'diff', 'check', 'verify', 'agent', 'exit-codes'])
      expect(text).toContain(`\n  ${name}`);
    expect(text).toContain('Exit status: 0 done, 2 usage, 10-19 the state, 20-29 the transfer disk');
  });
});

describe('--version', () => {
  it('prints the version of package.json', async () => {
    const { exit, stdout } = await stubferry(['--version']);
    expect({ exit, text: stdout.toString() }).toEqual({ exit: 0, text: `${VERSION}\n` });
  });
});
