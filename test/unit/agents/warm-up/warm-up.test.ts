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
import { type WarmUpFolder, warmUpFolder } from '../../../../src/agents/warm-up/warm-up-folder.js';
import type { Log } from '../../../../src/base/log.js';
import { isInMemory } from '../../../../src/blockdev-utils/index.js';

const made: string[] = [];
const folders: WarmUpFolder[] = [];

afterEach(async () => {
  for (const one of folders.splice(0)) await one.remove().catch(() => undefined);
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

async function folder(): Promise<WarmUpFolder> {
  const one = await warmUpFolder();
  if (one === undefined) throw new Error('nothing may be written here');
  folders.push(one);
  return one;
}

/** What is logged, as `level message code`. */
function recorder(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    const error: unknown = Reflect.get(fields, 'error');
    lines.push([level, message, ...(error === undefined ? [] : [Reflect.get(Object(error), 'code')])].join(' | '));
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** A folder that this process had made and then been killed, `ageMs` ago. */
function abandoned(parent: string, ageMs: number): string {
  const path = mkdtempSync(join(parent, 'stubferry-warm-up-'));
  made.push(path);
  writeFileSync(join(path, 'disk.img'), '');
  const then = (Date.now() - ageMs) / 1000;
  utimesSync(path, then, then);
  return path;
}

describe('a warm-up', () => {
  it('carries states through this process, and leaves nothing behind', async () => {
    const one = await folder();
    const { log, lines } = recorder();
    await warmUp(log, async () => one);
    expect([lines, existsSync(one.path)]).toEqual([['debug | the warm-up is done'], false]);
  });

  it('plays in memory', async () => {
    const one = await folder();
    expect(await isInMemory(one.path)).toBe(true);
    await one.remove();
  });

  it('is left out where nothing may be written, and that is said', async () => {
    const { log, lines } = recorder();
    await warmUp(log, async () => undefined);
    expect(lines).toEqual(['info | no folder for the warm-up: the first state takes some milliseconds more']);
  });

  it('does not keep an agent from its work when its own files cannot be made', async () => {
    const { log, lines } = recorder();
    const one = await folder();
    writeFileSync(join(one.path, 'disk.img'), 'in the way');
    await warmUp(log, async () => one);
    expect([lines, existsSync(one.path)]).toEqual([['warn | the warm-up failed | DISK_EXISTS'], false]);
  });

  it('removes what a killed process left', async () => {
    const { path } = await folder();
    const left = abandoned(dirname(path), 60_000);
    await (await folder()).remove();
    expect(existsSync(left)).toBe(false);
  });

  it('leaves alone what another process is just making', async () => {
    const { path } = await folder();
    const young = abandoned(dirname(path), 1_000);
    await (await folder()).remove();
    expect(existsSync(young)).toBe(true);
  });

  it('leaves alone what a live process has, however old', async () => {
    const { path } = await folder();
    const old = abandoned(dirname(path), 60_000);
    const holder = spawn('flock', [old, 'sh', '-c', 'echo locked; read -r line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    await (await folder()).remove();
    expect(readdirSync(old)).toEqual(['disk.img']);
    holder.stdin.end();
    await once(holder, 'exit');
  });

  it('does not follow a link that somebody else has put there', async () => {
    const { path } = await folder();
    const target = mkdtempSync(join(dirname(path), 'not-ours-'));
    made.push(target);
    mkdirSync(join(target, 'kept'));
    const link = join(dirname(path), `stubferry-warm-up-link${process.pid}`);
    symlinkSync(target, link);
    made.push(link);
    utimesSync(target, 0, 0);
    await (await folder()).remove();
    expect([readdirSync(target), lstatSync(link).isSymbolicLink()]).toEqual([['kept'], true]);
  });
});
