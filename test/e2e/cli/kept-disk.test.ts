import { open, truncate } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { VERSION } from '../../../src/base/version.js';
import { restoreByHand, saveByHand } from '../../support/agents/by-hand.js';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch({ mayLeave: true });
jest.setTimeout(60_000);

const UUID = '6d2c8b54-8a86-4c0e-9a3f-0d6f1c7f2e11';

/** The transfer disk of a successful save of DEVICE_STATE. */
async function keptDisk(): Promise<string> {
  const about = ['--transfer', UUID, '--ring', '8M', '--keep-disk'];
  const { dom0, stubdom, disk } = saveByHand(scratch, DEVICE_STATE.path, scratch.path('out'), {
    dom0: about,
  });
  expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([0, 0]);
  return disk;
}

describe('a kept transfer disk', () => {
  it('is described by inspect with its transfer and the progress of each agent', async () => {
    const disk = await keptDisk();
    expect(documentOf(await stubferry(['--json', 'inspect', disk]))).toMatchObject({
      inspect: {
        file: disk,
        format: 'transfer disk, format 1',
        writtenBy: `stubferry ${VERSION}`,
        sender: 'done, cursor 28672, 12449 bytes of the state',
        receiver: 'committed, cursor 28672, 12449 bytes of the state',
        framesOnTheRing: '3, with 12449 bytes of payload',
        damage: 'none found',
      },
    });
  });

  it('is described by inspect with the error of an agent', async () => {
    const options = { dom0: ['--keep-disk'], stubdom: ['--spool-limit', '4K'] };
    const { dom0, stubdom, disk } = restoreByHand(scratch, DEVICE_STATE.path, '-', options);
    expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([38, 16]);
    const inspected = await stubferry(['--json', 'inspect', disk]);
    const { sender, receiver } = documentOf<{ inspect: { sender: string; receiver: string } }>(inspected).inspect;
    expect(receiver).toMatch(/^aborted, .*, error 16: the state is larger than the spool limit$/);
    expect(sender).toMatch(/^aborted, .*, error 38: the receiver gave up: LIMIT_EXCEEDED: /);
  });

  it('is valid for verify', async () => {
    const disk = await keptDisk();
    expect(documentOf(await stubferry(['--json', 'verify', disk]))).toEqual({
      verified: { file: disk, format: 'transfer disk', checked: 'every-byte', bytes: 12449, dataRecords: 1 },
    });
  });

  it('is refused by verify when a bit is flipped', async () => {
    const disk = await keptDisk();
    const file = await open(disk, 'r+');
    await file.write(Buffer.from([0xff]), 0, 1, 65536 + 3 * 4096);
    await file.close();
    expect(failureOf(await stubferry(['--json', 'verify', disk]))).toMatchObject({
      exit: 13,
      code: 'CORRUPT',
      message: 'a block of the ring is damaged',
      where: disk,
      offset: 65536 + 4096,
      found: 'a payload that does not match its header',
    });
  });

  it('is refused by verify when it is truncated', async () => {
    const disk = await keptDisk();
    await truncate(disk, 1024 * 1024);
    expect(failureOf(await stubferry(['--json', 'verify', disk]))).toMatchObject({
      exit: 13,
      code: 'CORRUPT',
      message: 'invalid ring length in the superblock',
      where: disk,
      offset: 0,
    });
  });

  it('is refused by verify from a pipe, with an error that names standard input', async () => {
    const disk = await keptDisk();
    const ended = await shell(`cat '${disk}' | stubferry --json verify -`, scratch.folder);
    expect(failureOf(ended).code).not.toBe('INTERNAL');
    expect(failureOf(ended).where).toBe('standard input');
  });
});
