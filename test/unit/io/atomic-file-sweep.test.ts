import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AtomicFile, temporaryPath } from '../../../src/io/atomic-file.js';
import { scratchFolder } from '../../support/io/scratch-folder.js';

const TRANSFER = '00112233-4455-6677-8899-aabbccddeeff';
const OTHER_TRANSFER = 'ffeeddcc-bbaa-9988-7766-554433221100';

describe('an abandoned .part file', () => {
  const scratch = scratchFolder();
  let holder: ChildProcess | undefined;
  afterEach(async () => {
    await kill();
  });

  const names = (): string[] => readdirSync(dirname(scratch('x'))).sort();

  /** Creates the `.part` file of another transfer. */
  function createPart(destination = scratch('state')): string {
    const path = temporaryPath(destination, OTHER_TRANSFER);
    writeFileSync(path, 'half a state');
    return path;
  }

  /** Kills the process that holds the lock. Resolves when it has exited, which releases the lock. */
  async function kill(): Promise<void> {
    if (holder === undefined || holder.exitCode !== null || holder.signalCode !== null) return;
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }

  /** Starts a process that holds an flock on `path` until it is killed. */
  async function hold(path: string): Promise<void> {
    const child = spawn('flock', ['--no-fork', '--exclusive', path, 'sh', '-c', 'echo held; exec sleep 60']);
    holder = child;
    await once(child.stdout, 'data');
  }

  async function openAndDiscard(): Promise<void> {
    const part = await AtomicFile.open(scratch('state'), { transferUuid: TRANSFER, replace: false });
    await part.discard();
  }

  it('is removed by the next save to the same name', async () => {
    createPart();
    await openAndDiscard();
    expect(names()).toEqual([]);
  });

  it('stays while the process that locked it runs', async () => {
    const path = createPart();
    await hold(path);
    await openAndDiscard();
    expect(names()).toEqual([basename(path)]);
  });

  it('is removed after that process was killed', async () => {
    const path = createPart();
    await hold(path);
    await kill();
    await openAndDiscard();
    expect(names()).toEqual([]);
  });

  it('stays while another save of this process is writing it', async () => {
    const other = await AtomicFile.open(scratch('state'), { transferUuid: OTHER_TRANSFER, replace: false });
    await openAndDiscard();
    await other.commit();
    expect(names()).toEqual(['state']);
  });

  it('stays when it is for another name', async () => {
    createPart(scratch('state2'));
    createPart(scratch('stat'));
    await openAndDiscard();
    expect(names()).toEqual([`.stat.${OTHER_TRANSFER}.part`, `.state2.${OTHER_TRANSFER}.part`]);
  });

  it.each(['.state.part', '.state.0.part', `state.${OTHER_TRANSFER}.part`, `.state.${OTHER_TRANSFER}.part~`])(
    'is recognised by its name, so %s stays',
    async (name) => {
      writeFileSync(scratch(name), '');
      await openAndDiscard();
      expect(names()).toEqual([name]);
    },
  );
});
