import { describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../src/base/version.js';
import { stubferry } from '../../support/cli/run-stubferry.js';

/** Every command, by the names on its command line. */
const COMMANDS = [
  ...[[], ['save'], ['restore'], ['replay'], ['agent'], ['agent', 'dom0'], ['agent', 'stubdom']],
  ...[['inspect'], ['verify'], ['diff'], ['check']],
  ...[['convert'], ['extract'], ['replace-emulator']],
  ...[['doctor'], ['image'], ['image', 'build'], ['image', 'inspect']],
  ...[['status'], ['transfers'], ['abort'], ['prepare'], ['gc']],
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
    const listed = [...text.matchAll(/^ {2}([a-z][a-z0-9-]*) /gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help');
    const names = COMMANDS.flatMap(([name, ...others]) => (name === undefined || others.length > 0 ? [] : [name]));
    expect([...new Set(listed)].filter((name) => name !== 'stubferry').sort()).toEqual([...names].sort());
    expect(text).toContain('Exit status: 0 done, 2 usage, 10-19 the state, 20-29 the transfer disk');
  });
});

describe('--version', () => {
  it('prints the version of package.json', async () => {
    const { exit, stdout } = await stubferry(['--version']);
    expect({ exit, text: stdout.toString() }).toEqual({ exit: 0, text: `${VERSION}\n` });
  });
});
