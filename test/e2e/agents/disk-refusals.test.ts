import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { WRITER } from '../../../src/base/version.js';
import { BLOCK_SIZE, viewOf, writeChecksum } from '../../../src/formats/protocol/block.js';
import { FORMAT_MAJOR, FORMAT_MINOR } from '../../../src/formats/protocol/superblock.js';
import { startAgent } from '../../support/agents/agent.js';
import { saveByHand } from '../../support/agents/by-hand.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
jest.setTimeout(60_000);

const THIS_TARGET = '11111111-2222-4333-8444-555555555555';
const OTHER_TARGET = '99999999-2222-4333-8444-555555555555';
const SHORT = ['--attach-timeout', '2s'];

const savingDom0 = (...more: string[]) => {
  const args = ['--disk', scratch.disk(), '--save', scratch.path('out'), '--raw', ...SHORT, ...more];
  return startAgent('dom0', args);
};

const stubdom = (...more: string[]) => startAgent('stubdom', ['--disk', scratch.disk(), ...SHORT, ...more]);

describe('a stubdom agent', () => {
  it('whose disk never appears ends with DISK_ABSENT', async () => {
    expect(await stubdom('--source', '-').end).toMatchObject({
      exit: 20,
      error: {
        code: 'DISK_ABSENT',
        message: 'the transfer disk did not become usable',
        where: scratch.disk(),
        expected: 'a transfer disk within 2000 ms',
        found: 'DISK_ABSENT: the transfer disk does not exist',
      },
    });
  });

  it('whose disk never gets a superblock ends with DISK_ABSENT', async () => {
    await writeFile(scratch.path('blank'), Buffer.alloc(100_000));
    const agent = startAgent('stubdom', ['--disk', scratch.path('blank'), '--source', '-', ...SHORT]);
    expect(await agent.end).toMatchObject({
      exit: 20,
      error: {
        code: 'DISK_ABSENT',
        found: 'NOT_A_TRANSFER_DISK: the disk does not begin with a superblock',
      },
    });
  });

  it('refuses the disk of another target with WRONG_TARGET', async () => {
    const dom0 = savingDom0('--target-uuid', OTHER_TARGET, '--target-domid', '9');
    expect(await stubdom('--source', '-', '--target-uuid', THIS_TARGET).end).toMatchObject({
      exit: 24,
      error: {
        code: 'WRONG_TARGET',
        message: 'this transfer disk belongs to another target',
        where: scratch.disk(),
        expected: `target ${THIS_TARGET}`,
        found: `target ${OTHER_TARGET} (domid 9)`,
      },
    });
    expect(await dom0.end).toMatchObject({ exit: 35, error: { code: 'PEER_ABSENT' } });
  });

  it('refuses the disk of another transfer with WRONG_TARGET', async () => {
    const dom0 = savingDom0('--transfer', OTHER_TARGET);
    expect(await stubdom('--source', '-', '--transfer', THIS_TARGET).end).toMatchObject({
      exit: 24,
      error: {
        code: 'WRONG_TARGET',
        message: 'this transfer disk belongs to another transfer',
        expected: `transfer ${THIS_TARGET}`,
        found: `transfer ${OTHER_TARGET}`,
      },
    });
    expect((await dom0.end).exit).toBe(35);
  });

  it('with only a sink refuses the disk of a save with WRONG_DIRECTION', async () => {
    const dom0 = savingDom0();
    expect(await stubdom('--sink', scratch.path('sink')).end).toMatchObject({
      exit: 25,
      error: {
        code: 'WRONG_DIRECTION',
        message: 'this transfer disk is for a save',
        expected: 'restore',
        found: 'save',
        hint: 'a save needs --source or --qmp, a restore needs --sink or --incoming',
      },
    });
    expect(await dom0.end).toMatchObject({
      exit: 35,
      error: { code: 'PEER_ABSENT', message: 'no sender opened the transfer disk' },
    });
  });

  it('with only a source refuses the disk of a restore with WRONG_DIRECTION', async () => {
    const dom0 = startAgent('dom0', ['--disk', scratch.disk(), '--restore', '-', '--opaque', ...SHORT]);
    await feed(dom0.child.stdin, [Buffer.from('state')]);
    expect(await stubdom('--source', '-').end).toMatchObject({
      exit: 25,
      error: { code: 'WRONG_DIRECTION', message: 'this transfer disk is for a restore' },
    });
    expect((await dom0.end).exit).toBe(35);
  });

  it('with both a source and a sink uses the one for the direction of the disk', async () => {
    const dom0 = savingDom0();
    const agent = stubdom('--source', '-', '--sink', scratch.path('sink'), '--opaque');
    await feed(agent.child.stdin, [Buffer.from('state')]);
    expect([(await dom0.end).exit, (await agent.end).exit]).toEqual([0, 0]);
    expect((await scratch.bytes('out')).toString()).toBe('state');
    expect(scratch.has('sink')).toBe(false);
  });

  it('refuses a disk whose superblocks have another format version', async () => {
    const dom0 = savingDom0('--attach-timeout', '4s');
    await dom0.ready;
    const disk = await open(scratch.disk(), 'r+');
    const block = new Uint8Array(BLOCK_SIZE);
    await disk.read(block, 0, BLOCK_SIZE, 0);
    viewOf(block).setUint16(8, FORMAT_MAJOR + 1, true);
    writeChecksum(block, 0n);
    for (const offset of [0, BLOCK_SIZE]) await disk.write(block, 0, BLOCK_SIZE, offset);
    await disk.close();
    expect(await stubdom('--source', '-').end).toMatchObject({
      exit: 14,
      error: {
        code: 'UNSUPPORTED_VERSION',
        message: 'the transfer disk has an unsupported format version',
        where: scratch.disk(),
        expected: `format ${FORMAT_MAJOR}.x`,
        found: `format ${FORMAT_MAJOR + 1}.${FORMAT_MINOR}, written by ${WRITER}`,
        hint: 'run the same stubferry version in dom0 and in the stubdom image',
      },
    });
    expect((await dom0.end).exit).toBe(35);
  });
});

describe('a second agent in a role that another agent has', () => {
  const state = new PatternState(4 * 1024 * 1024, 3, 64 * 1024);

  it.each([
    ['dom0 agent', 23, 'DISK_EXISTS', 'the transfer disk already exists', () => savingDom0('--force')],
    ['stubdom agent', 21, 'DISK_LOCKED', 'another live agent holds this lock', () => stubdom('--source', '-')],
  ] as const)('%s is refused, and the transfer continues', async (_, exit, code, message, second) => {
    const pair = saveByHand(scratch, '-', scratch.path('out'));
    const fed = feed(pair.stubdom.child.stdin, state.chunks(), { pauseMs: 40 });
    await pair.stubdom.moving;
    expect(await second().end).toMatchObject({ exit, error: { code, message } });
    expect((await stat(pair.disk)).isFile()).toBe(true);
    await fed;
    expect(await pair.dom0.end).toMatchObject({ exit: 0, report: { sha256: state.sha256() } });
    expect((await pair.stubdom.end).exit).toBe(0);
    expect(await readFile(scratch.path('out'))).toHaveLength(state.length);
  });
});
