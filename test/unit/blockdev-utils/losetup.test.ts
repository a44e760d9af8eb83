/**
 * Tests losetup through its shell: the requests, the replies and the lifetime of the shell. Here losetup is a script.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Losetup } from '../../../src/blockdev-utils/losetup.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { until } from '../../support/qmp/until.js';
import { rejectionOf } from '../../support/statefile/rejection-of.js';

/** The process ids of the running shells that this process has started. */
function shells(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sh\n';
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function endShells(): Promise<void> {
  for (const pid of shells()) process.kill(pid, 'SIGKILL');
  await until(() => shells().length === 0);
}

describe('losetup', () => {
  const scratch = scratchFolder();

  afterEach(endShells);

  const losetupIn = (path: string, limitMs?: number): Losetup => new Losetup({ PATH: path }, limitMs);

  /** Replaces losetup by a script of these lines, with a time limit. */
  function losetupWithin(limitMs: number | undefined, ...lines: readonly string[]): Losetup {
    writeFileSync(scratch('losetup'), ['#!/bin/sh', ...lines, ''].join('\n'));
    chmodSync(scratch('losetup'), 0o755);
    return losetupIn(`${scratch('')}:${process.env['PATH']}`, limitMs);
  }

  const losetupOf = (...lines: readonly string[]): Losetup => losetupWithin(undefined, ...lines);

  it.each([
    ['leading and trailing spaces', ' /a b '],
    ['special characters of the shell', '/$HOME/`id`/"\'\\n*?;&|<>(){}[]~#!'],
    ['non-ASCII letters', '/Ā/ü/Ж/漢/\u{1F5A5}'],
  ])('receives a path with %s unchanged', async (_what, path) => {
    const losetup = losetupOf(`printf '%s\\n' "$@"`);
    expect(await losetup.run('x', ['--find', '--show'], path)).toBe(['--find', '--show', path].join('\n'));
  });

  it('receives no path argument when the path is empty', async () => {
    const losetup = losetupOf('echo $#: "$@"');
    expect(await losetup.run('x', ['--list', '--json'])).toBe('2: --list --json');
  });

  it('replies to many concurrent callers through one shell', async () => {
    const losetup = losetupOf('echo "$2"');
    const paths = Array.from({ length: 50 }, (_, index) => `/file-${index}`);
    expect(await Promise.all(paths.map((path) => losetup.run('x', ['--detach'], path)))).toEqual(paths);
    expect(shells()).toHaveLength(1);
  });

  it('may return an output of 500,000 characters', async () => {
    const losetup = losetupOf('head -c 500000 /dev/zero | tr "\\0" y');
    expect(await losetup.run('x', ['--list'])).toBe('y'.repeat(500_000));
  });

  it('is ended when its output exceeds the limit', async () => {
    const losetup = losetupOf('head -c 3000000 /dev/zero | tr "\\0" y');
    expect(await rejectionOf(losetup.run('x', ['--list']))).toMatchObject({
      code: 'DISK_IO',
      details: { found: 'the shell that runs losetup ended: SIGKILL' },
    });
  });

  it('has its standard error ignored when it exits with status 0', async () => {
    const losetup = losetupOf('echo "losetup: odd file" >&2', 'echo /dev/loop3');
    expect(await losetup.run('x', ['--find'], '/f')).toBe('/dev/loop3');
  });

  it.each([
    ['with an error message', ['echo "losetup: /f: no such thing" >&2', 'exit 1'], 'losetup: /f: no such thing'],
    ['with three lines of error messages', ['echo "one\ntwo\nthree" >&2', 'exit 1'], 'one; two'],
    ['with control characters in its error message', ["printf 'a\\033[31mb' >&2", 'exit 1'], 'a\\u{1b}[31mb'],
    ['without an error message', ['exit 3'], 'exit status 3'],
    ['by a signal', ['kill -9 $$'], 'exit status 137'],
  ] as const)('fails with DISK_IO and the reason when it exits %s', async (_how, script, found) => {
    const losetup = losetupOf(...script);
    expect(await rejectionOf(losetup.run('/dev/loop3', ['--detach'], '/dev/loop3'))).toMatchObject({
      code: 'DISK_IO',
      message: 'losetup failed',
      details: { where: '/dev/loop3', found },
    });
  });

  it('fails with DISK_IO and the reason when it is not installed', async () => {
    const sh = execFileSync('sh', ['-c', 'command -v sh'], { encoding: 'utf8' }).trim();
    execFileSync('ln', ['-s', sh, scratch('sh')]);
    expect(await rejectionOf(losetupIn(scratch('')).run('x', ['--list']))).toMatchObject({
      code: 'DISK_IO',
      details: { found: expect.stringMatching(/losetup: (command )?not found/) },
    });
  });

  it('fails with DISK_IO and the reason when there is no shell', async () => {
    expect(await rejectionOf(losetupIn(scratch('')).run('x', ['--list']))).toMatchObject({
      code: 'DISK_IO',
      details: { found: 'spawn sh ENOENT' },
    });
  });

  it('refuses a path with a line feed', async () => {
    expect(await rejectionOf(losetupIn('').run('x', ['--find'], '/a\nb'))).toMatchObject({
      code: 'DISK_IO',
      details: { found: 'a line feed in the path' },
    });
  });

  it('fails for all pending callers when its shell is killed, and starts a new shell for the next caller', async () => {
    const losetup = losetupOf('[ "$1" = --list ] || exec sleep 3', 'echo well');
    const [first, second] = [rejectionOf(losetup.run('x', ['--find'])), rejectionOf(losetup.run('y', ['--find']))];
    await until(() => shells().length === 1);
    await endShells();
    const details = { found: 'the shell that runs losetup ended: SIGKILL' };
    expect(await Promise.all([first, second])).toMatchObject([{ details }, { details }]);
    expect(await losetup.run('x', ['--list'])).toBe('well');
  });

  it('fails for all pending callers when it hangs, and starts a new shell for the next caller', async () => {
    const losetup = losetupWithin(200, '[ "$1" = --list ] || exec sleep 3', 'echo well');
    const [first, second] = [rejectionOf(losetup.run('x', ['--find'])), rejectionOf(losetup.run('y', ['--find']))];
    const details = { found: 'losetup did not finish within 200 ms: its file or device may hang' };
    expect(await Promise.all([first, second])).toMatchObject([{ details }, { details }]);
    expect(await losetup.run('x', ['--list'])).toBe('well');
  });

  it('has the full time limit, however many requests precede it', async () => {
    const losetup = losetupWithin(400, 'sleep 0.1', 'echo well');
    const all = Array.from({ length: 6 }, () => losetup.run('x', ['--list']));
    expect(await Promise.all(all)).toEqual(Array(6).fill('well'));
  });

  it('reads nothing from the requests of other callers', async () => {
    const losetup = losetupOf('cat', 'echo "$2"');
    expect(await Promise.all(['/a', '/b'].map((path) => losetup.run('x', ['--find'], path)))).toEqual(['/a', '/b']);
  });

  it('keeps its shell on signals to the process group, so that loop devices can still be detached', async () => {
    const losetup = losetupOf('echo well');
    await losetup.run('x', ['--list']);
    const [pid = 0] = shells();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal);
    expect(await losetup.run('x', ['--list'])).toBe('well');
    expect(shells()).toEqual([pid]);
  });
});
