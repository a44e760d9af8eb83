import { execFileSync } from 'node:child_process';
import { afterEach, expect, it, jest } from '@jest/globals';
import { startAgent } from '../../support/agents/agent.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { describeAsRoot } from '../../support/cli/needs-root.js';
import { documentOf, failureOf, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const state = new PatternState(24 * 1024 * 1024 + 5);
jest.setTimeout(120_000);

/** As with a vbd, the stubdom opens a block device with O_DIRECT, and dom0 opens the backing file. */
describeAsRoot('a stubdom whose transfer disk is a block device', () => {
  const scratch = useScratch({ mayLeave: true });
  let loop = '';
  const attach = (): string => {
    loop = execFileSync('losetup', ['--find', '--show', scratch.disk()], { encoding: 'utf8' }).trim();
    return loop;
  };
  afterEach(() => {
    if (loop !== '') execFileSync('losetup', ['--detach', loop]);
    loop = '';
  });
  const ring = ['--ring', '8M', '--keep-disk'];

  it('saves through O_DIRECT', async () => {
    const dom0 = startAgent('dom0', ['--disk', scratch.disk(), '--save', scratch.path('out'), '--raw', ...ring]);
    await dom0.ready;
    const stubdom = startAgent('stubdom', ['--disk', attach(), '--source', '-', '--opaque']);
    await feed(stubdom.child.stdin, state.chunks());
    expect(await dom0.end).toMatchObject({ exit: 0, report: { sha256: state.sha256() } });
    expect(await stubdom.end).toMatchObject({ exit: 0 });
    expect(stubdom.events[0]).toMatchObject({ event: 'ready', access: 'direct' });
    expect(dom0.events).toContainEqual(expect.objectContaining({ event: 'ready', access: 'buffered' }));
    expect(sha256(await scratch.bytes('out'))).toBe(state.sha256());
  });

  it('restores through O_DIRECT', async () => {
    const dom0 = startAgent('dom0', ['--disk', scratch.disk(), '--restore', '-', '--opaque', ...ring]);
    const fed = feed(dom0.child.stdin, state.chunks());
    await dom0.ready;
    const stubdom = startAgent('stubdom', ['--disk', attach(), '--sink', scratch.path('out')]);
    await fed;
    expect((await dom0.end).exit).toBe(0);
    expect(await stubdom.end).toMatchObject({ exit: 0, report: { sha256: state.sha256() } });
    expect(sha256(await scratch.bytes('out'))).toBe(state.sha256());
  });

  it('refuses a second agent on the same disk, which can be inspected and verified afterwards', async () => {
    const save = ['--disk', scratch.disk(), '--save', scratch.path('out'), '--raw', ...ring];
    const dom0 = startAgent('dom0', save);
    await dom0.ready;
    const node = attach();
    const stubdom = startAgent('stubdom', ['--disk', node, '--source', '-', '--opaque']);
    await stubdom.ready;
    expect(await startAgent('stubdom', ['--disk', node, '--source', '-']).end).toMatchObject({
      exit: 21,
      error: { code: 'DISK_LOCKED', where: node },
    });
    await feed(stubdom.child.stdin, [Buffer.from('a small state')]);
    expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([0, 0]);
    expect(documentOf(await stubferry(['--json', 'inspect', node]))).toMatchObject({
      inspect: { file: node, format: 'transfer disk, format 1', damage: 'none found' },
    });
    expect(documentOf(await stubferry(['--json', 'verify', node]))).toMatchObject({
      verified: { file: node, format: 'transfer disk', bytes: 13, dataRecords: 1 },
    });
  });

  it('is rejected as NOT_A_TRANSFER_DISK when it is any other block device', async () => {
    execFileSync('truncate', ['-s', '1M', scratch.disk()]);
    expect(failureOf(await stubferry(['--json', 'verify', attach()]))).toMatchObject({
      exit: 22,
      code: 'NOT_A_TRANSFER_DISK',
      message: 'the disk does not begin with a superblock',
    });
  });
});
