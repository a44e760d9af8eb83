import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AtomicFile, temporaryPath } from '../../../src/io/atomic-file.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const OURS = '00112233-4455-6677-8899-aabbccddeeff';
const THEIRS = 'ffeeddcc-bbaa-9988-7766-554433221100';

describe('a .part file that was left behind', () => {
  const scratch = scratchFolder();
  let holder: ChildProcess | undefined;
  afterEach(async () => {
    await kill();
  });

  const names = (): string[] => readdirSync(dirname(scratch('x'))).sort();

  /** Leaves the `.part` of another transfer. */
  function leave(destination = scratch('state')): string {
    const path = temporaryPath(destination, THEIRS);
    writeFileSync(path, 'half a state');
    return path;
  }

  /** Ends the holder of a lock; returns when it is gone, and the lock with it. */
  async function kill(): Promise<void> {
    if (holder === undefined || holder.exitCode !== null || holder.signalCode !== null) return;
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }

  /** Another process that holds an flock on `path`, until it is killed. */
  async function hold(path: string): Promise<void> {
    const child = spawn('flock', ['--no-fork', '--exclusive', path, 'sh', '-c', 'echo held; exec sleep 60']);
    holder = child;
    await once(child.stdout, 'data');
  }

  async function openAndDiscard(): Promise<void> {
    const part = await AtomicFile.open(scratch('state'), { transferUuid: OURS, replace: false });
    await part.discard();
  }

  it('by a process that is gone is removed by the next save to the same name', async () => {
    leave();
    await openAndDiscard();
    expect(names()).toEqual([]);
  });

  it('stays while the process that locked it lives', async () => {
    const path = leave();
    await hold(path);
    await openAndDiscard();
    expect(names()).toEqual([basename(path)]);
  });

  it('is removed once that process was killed', async () => {
    const path = leave();
    await hold(path);
    await kill();
    await openAndDiscard();
    expect(names()).toEqual([]);
  });

  it('stays while another save of this process is writing it', async () => {
    const other = await AtomicFile.open(scratch('state'), { transferUuid: THEIRS, replace: false });
    await openAndDiscard();
    await other.commit();
    expect(names()).toEqual(['state']);
  });

  it('for another name stays', async () => {
    leave(scratch('state2'));
    leave(scratch('stat'));
    await openAndDiscard();
    expect(names()).toEqual([`.stat.${THEIRS}.part`, `.state2.${THEIRS}.part`]);
  });

  it.each(['.state.part', '.state.0.part', `state.${THEIRS}.part`, `.state.${THEIRS}.part~`])(
    'is not what %s is, so that stays',
    async (name) => {
      writeFileSync(scratch(name), '');
      await openAndDiscard();
      expect(names()).toEqual([name]);
    },
  );
});
