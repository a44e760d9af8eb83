/** A transfer disk that no longer answers in the middle of a transfer: on a file system whose server, a process, is stopped (FUSE). */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import { describeWith, type Need, ROOT } from '../blockdev-utils/as-root.js';
import { feed, PatternState } from './feed.js';
import { failureOf, type Started, start, startStubferry } from './run-stubferry.js';
import { useScratch } from './scratch.js';

const scratch = useScratch();
jest.setTimeout(120_000);

const BINDFS: Need = { what: 'bindfs', isThere: spawnSync('bindfs', ['--version']).status === 0 };
const FUSE: Need = { what: '/dev/fuse', isThere: existsSync('/dev/fuse') };
const STATE = new PatternState(8 * 1024 * 1024);
/** Of eight. */
const CHUNKS_BEFORE = 4;

/** A folder of which a process answers for every byte. */
class ServedFolder {
  readonly #server: Started;
  readonly path = scratch.path('served');
  readonly behind = scratch.path('behind');

  constructor() {
    for (const folder of [this.path, this.behind]) mkdirSync(folder);
    this.#server = start('bindfs', ['-f', this.behind, this.path], ['ignore', 'pipe', 'pipe']);
  }

  async served(): Promise<this> {
    while (spawnSync('mountpoint', ['-q', this.path]).status !== 0) await delay(10);
    return this;
  }

  hang(): void {
    process.kill(this.#server.pid, 'SIGSTOP');
  }

  answer(): void {
    process.kill(this.#server.pid, 'SIGCONT');
  }

  async end(): Promise<void> {
    this.answer();
    execFileSync('umount', ['--lazy', this.path]);
    await this.#server.ended;
  }
}

describeWith([ROOT, BINDFS, FUSE], 'a transfer disk that hangs in the middle', () => {
  it.each([
    ['save', '--raw', '-i', '-'],
    ['restore', '-'],
  ])('ends stubferry %s with 27, and what it has left goes once the disk answers again', async (...command) => {
    const folder = await new ServedFolder().served();
    try {
      const options = ['--opaque', '--json', '--transfer-dir', folder.path, '-o', scratch.path('out')];
      const pair = startStubferry([...command, ...options], { stdin: 'pipe' });
      const onChunk = (count: number): void => {
        if (count === CHUNKS_BEFORE) folder.hang();
      };
      void feed(pair.child.stdin, STATE.chunks(), { pauseMs: 100, onChunk });
      const failure = failureOf(await pair.ended);
      expect(failure).toMatchObject({
        exit: 27,
        code: 'DISK_HUNG',
        message: 'the transfer disk does not answer',
        expected: 'an answer within 15000 ms',
      });
      expect(failure.where).toMatch(new RegExp(`^${folder.path}/stubferry-.*/transfer.img$`));
      expect(scratch.has('out')).toBe(false);
      folder.answer();
      while (readdirSync(folder.behind).length > 0) await delay(50);
    } finally {
      await folder.end();
    }
  });
});
