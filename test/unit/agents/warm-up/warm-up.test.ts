import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { warmUp } from '../../../../src/agents/index.js';
import { makeWarmUpDirectory, type WarmUpDirectory } from '../../../../src/agents/warm-up/warm-up-directory.js';
import type { Log } from '../../../../src/base/log.js';
import { isInMemory } from '../../../../src/blockdev-utils/index.js';

const made: string[] = [];
const directories: WarmUpDirectory[] = [];

afterEach(async () => {
  for (const one of directories.splice(0)) await one.remove().catch(() => undefined);
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

async function directory(): Promise<WarmUpDirectory> {
  const one = await makeWarmUpDirectory();
  if (one === undefined) throw new Error('nothing may be written here');
  directories.push(one);
  return one;
}

/** A log that records each message as `level | message | code`. */
function recorder(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    const error: unknown = Reflect.get(fields, 'error');
    lines.push([level, message, ...(error === undefined ? [] : [Reflect.get(Object(error), 'code')])].join(' | '));
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** Makes a directory as if a process had made it `ageMs` milliseconds ago and had then been killed. */
function abandoned(parent: string, ageMs: number): string {
  const path = mkdtempSync(join(parent, 'stubferry-warm-up-'));
  made.push(path);
  writeFileSync(join(path, 'disk.img'), '');
  const then = (Date.now() - ageMs) / 1000;
  utimesSync(path, then, then);
  return path;
}

describe('a warm-up', () => {
  it('makes transfers in this process, and leaves nothing behind', async () => {
    const one = await directory();
    const { log, lines } = recorder();
    await warmUp(log, async () => one);
    expect([lines, existsSync(one.path)]).toEqual([['debug | the warm-up is done'], false]);
  });

  it('uses a directory in memory', async () => {
    const one = await directory();
    expect(await isInMemory(one.path)).toBe(true);
    await one.remove();
  });

  it('is skipped with a log message when no directory can be made', async () => {
    const { log, lines } = recorder();
    await warmUp(log, async () => undefined);
    expect(lines).toEqual(['info | no directory for the warm-up: the first transfer takes some milliseconds longer']);
  });

  it('only logs a warning when its files cannot be made', async () => {
    const { log, lines } = recorder();
    const one = await directory();
    writeFileSync(join(one.path, 'disk.img'), 'in the way');
    await warmUp(log, async () => one);
    expect([lines, existsSync(one.path)]).toEqual([['warn | the warm-up failed | DISK_EXISTS'], false]);
  });

  it('removes the directory of a killed process', async () => {
    const { path } = await directory();
    const orphan = abandoned(dirname(path), 60_000);
    await (await directory()).remove();
    expect(existsSync(orphan)).toBe(false);
  });

  it('does not remove a directory that another process may just be making', async () => {
    const { path } = await directory();
    const young = abandoned(dirname(path), 1_000);
    await (await directory()).remove();
    expect(existsSync(young)).toBe(true);
  });

  it('does not remove the directory of a live process, however old it is', async () => {
    const { path } = await directory();
    const old = abandoned(dirname(path), 60_000);
    const holder = spawn('flock', [old, 'sh', '-c', 'echo locked; read -r line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    await (await directory()).remove();
    expect(readdirSync(old)).toEqual(['disk.img']);
    holder.stdin.end();
    await once(holder, 'exit');
  });

  it('does not follow a symbolic link that another user has made', async () => {
    const { path } = await directory();
    const target = mkdtempSync(join(dirname(path), 'foreign-'));
    made.push(target);
    mkdirSync(join(target, 'kept'));
    const link = join(dirname(path), `stubferry-warm-up-link${process.pid}`);
    symlinkSync(target, link);
    made.push(link);
    utimesSync(target, 0, 0);
    await (await directory()).remove();
    expect([readdirSync(target), lstatSync(link).isSymbolicLink()]).toEqual([['kept'], true]);
  });
});
