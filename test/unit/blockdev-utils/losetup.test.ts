/** losetup by way of a shell: what goes in, what comes out, and what becomes of the shell. The losetup here is a script that can fail on demand. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Losetup } from '../../../src/blockdev-utils/losetup.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';
import { until } from '../../support/qmp/until.js';
import { rejectionOf } from '../../support/statefile/rejection-of.js';

/** The shells that this process has started and not heard the end of. */
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

  const found = (path: string, limitMs?: number): Losetup => new Losetup({ PATH: path }, limitMs);

  /** A losetup that is this script, and has so long. */
  function losetupWithin(limitMs: number | undefined, ...lines: readonly string[]): Losetup {
    writeFileSync(scratch('losetup'), ['#!/bin/sh', ...lines, ''].join('\n'));
    chmodSync(scratch('losetup'), 0o755);
    return found(`${scratch('')}:${process.env['PATH']}`, limitMs);
  }

  const losetupOf = (...lines: readonly string[]): Losetup => losetupWithin(undefined, ...lines);

  it.each([
    ['spaces at its ends', ' /a b '],
    ['what shells take for theirs', '/$HOME/`id`/"\'\\n*?;&|<>(){}[]~#!'],
    ['letters of all kinds', '/Ā/ü/Ж/漢/\u{1F5A5}'],
  ])('is given a path with %s as it is', async (_what, path) => {
    const losetup = losetupOf(`printf '%s\\n' "$@"`);
    expect(await losetup.run('x', ['--find', '--show'], path)).toBe(['--find', '--show', path].join('\n'));
  });

  it('is given no path where it is about none', async () => {
    const losetup = losetupOf('echo $#: "$@"');
    expect(await losetup.run('x', ['--list', '--json'])).toBe('2: --list --json');
  });

  it('answers each of many callers, in one shell', async () => {
    const losetup = losetupOf('echo "$2"');
    const paths = Array.from({ length: 50 }, (_, index) => `/file-${index}`);
    expect(await Promise.all(paths.map((path) => losetup.run('x', ['--detach'], path)))).toEqual(paths);
    expect(shells()).toHaveLength(1);
  });

  it('may have a list of some hundred KiB to tell', async () => {
    const losetup = losetupOf('head -c 500000 /dev/zero | tr "\\0" y');
    expect(await losetup.run('x', ['--list'])).toBe('y'.repeat(500_000));
  });

  it('that tells without an end is ended', async () => {
    const losetup = losetupOf('head -c 3000000 /dev/zero | tr "\\0" y');
    expect(await rejectionOf(losetup.run('x', ['--list']))).toMatchObject({
      code: 'DISK_IO',
      details: { found: 'the shell for it ended: SIGKILL' },
    });
  });

  it('that complains and goes well has its parseError left out', async () => {
    const losetup = losetupOf('echo "losetup: odd file" >&2', 'echo /dev/loop3');
    expect(await losetup.run('x', ['--find'], '/f')).toBe('/dev/loop3');
  });

  it.each([
    ['with a parseError', ['echo "losetup: /f: no such thing" >&2', 'exit 1'], 'losetup: /f: no such thing'],
    ['with a long one', ['echo "one\ntwo\nthree" >&2', 'exit 1'], 'one; two'],
    ['with one that is no text', ["printf 'a\\033[31mb' >&2", 'exit 1'], 'a\\u{1b}[31mb'],
    ['without a word', ['exit 3'], 'exit status 3'],
    ['by a signal', ['kill -9 $$'], 'exit status 137'],
  ] as const)('that fails %s is DISK_IO, and says so', async (_how, script, found) => {
    const losetup = losetupOf(...script);
    expect(await rejectionOf(losetup.run('/dev/loop3', ['--detach'], '/dev/loop3'))).toMatchObject({
      code: 'DISK_IO',
      message: 'losetup failed',
      details: { where: '/dev/loop3', found },
    });
  });

  it('that is not installed is DISK_IO, and says so', async () => {
    const sh = execFileSync('sh', ['-c', 'command -v sh'], { encoding: 'utf8' }).trim();
    execFileSync('ln', ['-s', sh, scratch('sh')]);
    expect(await rejectionOf(found(scratch('')).run('x', ['--list']))).toMatchObject({
      code: 'DISK_IO',
      details: { found: expect.stringMatching(/losetup: (command )?not found/) },
    });
  });

  it('without a shell is DISK_IO, and says so', async () => {
    expect(await rejectionOf(found(scratch('')).run('x', ['--list']))).toMatchObject({
      code: 'DISK_IO',
      details: { found: 'spawn sh ENOENT' },
    });
  });

  it('takes no path with a line end in it', async () => {
    expect(await rejectionOf(found('').run('x', ['--find'], '/a\nb'))).toMatchObject({
      code: 'DISK_IO',
      details: { found: 'a line end in this path' },
    });
  });

  it('whose shell is killed fails, for all that wait, and the next one has a shell again', async () => {
    const losetup = losetupOf('[ "$1" = --list ] || exec sleep 3', 'echo well');
    const [first, second] = [rejectionOf(losetup.run('x', ['--find'])), rejectionOf(losetup.run('y', ['--find']))];
    await until(() => shells().length === 1);
    await endShells();
    const details = { found: 'the shell for it ended: SIGKILL' };
    expect(await Promise.all([first, second])).toMatchObject([{ details }, { details }]);
    expect(await losetup.run('x', ['--list'])).toBe('well');
  });

  it('that hangs fails in time, and so does what waits behind it; the next one has a shell again', async () => {
    const losetup = losetupWithin(200, '[ "$1" = --list ] || exec sleep 3', 'echo well');
    const [first, second] = [rejectionOf(losetup.run('x', ['--find'])), rejectionOf(losetup.run('y', ['--find']))];
    const details = { found: 'losetup does not end within 200 ms: the file or device that it is about may hang' };
    expect(await Promise.all([first, second])).toMatchObject([{ details }, { details }]);
    expect(await losetup.run('x', ['--list'])).toBe('well');
  });

  it('has time of its own, however many are asked before it', async () => {
    const losetup = losetupWithin(400, 'sleep 0.1', 'echo well');
    const all = Array.from({ length: 6 }, () => losetup.run('x', ['--list']));
    expect(await Promise.all(all)).toEqual(Array(6).fill('well'));
  });

  it('reads nothing of what others are asked', async () => {
    const losetup = losetupOf('cat', 'echo "$2"');
    expect(await Promise.all(['/a', '/b'].map((path) => losetup.run('x', ['--find'], path)))).toEqual(['/a', '/b']);
  });

  it('goes on when this process and all that it has started is told to end: a loop device is given back then', async () => {
    const losetup = losetupOf('echo well');
    await losetup.run('x', ['--list']);
    const [pid = 0] = shells();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal);
    expect(await losetup.run('x', ['--list'])).toBe('well');
    expect(shells()).toEqual([pid]);
  });
});
