import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../src/base/version.js';
import { DEVICE_STATE, MIGRATION_STREAM } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
const UUID = '6d2c8b54-8a86-4c0e-9a3f-0d6f1c7f2e11';

/** Saves DEVICE_STATE into a statefile. */
async function statefile(): Promise<string> {
  const path = scratch.path('statefile');
  const about = ['--target-uuid', UUID, '--target-domid', '12', '--qemu-version', '7.2.22'];
  await stubferry(['save', '-i', DEVICE_STATE.path, '-o', path, ...about, ...scratch.options]);
  return path;
}

const FACTS = {
  format: 'stubferry statefile, format 1',
  writtenBy: `stubferry ${VERSION}`,
  kind: 'device-state',
  target: UUID,
  targetDomid: 12,
  qemuVersion: '7.2.22',
  sentBy: `stubferry ${VERSION}`,
  bytes: DEVICE_STATE.bytes.length,
  sha256: DEVICE_STATE.sha256,
  dataRecords: 1,
};

describe('stubferry inspect', () => {
  it('prints the facts about a statefile as names and values', async () => {
    const path = await statefile();
    const { exit, stdout, stderr } = await stubferry(['inspect', path]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout.toString()).toMatch(/^format +stubferry statefile, format 1$/m);
    expect(stdout.toString()).toMatch(new RegExp(`^sha256 +${DEVICE_STATE.sha256}$`, 'm'));
  });

  it('prints the same facts for a statefile in a file, on standard input and gzipped', async () => {
    const path = await statefile();
    await writeFile(scratch.path('statefile.gz'), execFileSync('gzip', ['-c', path]));
    const file = await stubferry(['--json', 'inspect', path]);
    const piped = await shell('cat statefile | stubferry --json inspect -', scratch.folder);
    const gzipped = await stubferry(['--json', 'inspect', scratch.path('statefile.gz')]);
    expect(documentOf(file)).toMatchObject({ inspect: { ...FACTS, file: path } });
    expect(documentOf(piped)).toMatchObject({ inspect: { ...FACTS, file: '-' } });
    expect(documentOf(gzipped)).toMatchObject({ inspect: { ...FACTS, format: `${FACTS.format}, gzipped` } });
  });

  it.each([
    ['a device state', DEVICE_STATE, 'bare QEMU state (QEVM version 3)', 'device-state'],
    ['a gzipped migration stream', MIGRATION_STREAM, 'bare QEMU state (QEVM version 3), gzipped', 'migration-stream'],
  ])('reports that %s has no checksum', async (_, state, format, kind) => {
    const integrity = 'no checksum (the format has none)';
    const facts = { format, kind, bytes: state.bytes.length, sha256: state.sha256, integrity };
    expect(documentOf(await stubferry(['--json', 'inspect', state.path]))).toMatchObject({ inspect: facts });
  });

  it('detects a truncated statefile with --brief, without reading its data', async () => {
    const path = await statefile();
    await writeFile(path, (await scratch.bytes('statefile')).subarray(0, -4096));
    expect(failureOf(await stubferry(['--json', 'inspect', '--brief', path]))).toMatchObject({
      exit: 12,
      code: 'TRUNCATED',
      message: 'the statefile has no TRAILER record at the expected offset',
    });
  });

  it('prints the readable facts about a damaged statefile, and then the error', async () => {
    const path = await statefile();
    const bytes = await scratch.bytes('statefile');
    bytes[3 * 4096] = (bytes[3 * 4096] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const ended = await stubferry(['--json', 'inspect', path]);
    expect(failureOf(ended)).toMatchObject({ exit: 13, code: 'CORRUPT', where: path });
    const { inspect } = documentOf<{ inspect: Record<string, unknown> }>(ended);
    expect(inspect).toMatchObject({ ...FACTS, file: path });
    expect(inspect).not.toHaveProperty('sections');
  });

  it('refuses a missing file', async () => {
    expect(failureOf(await stubferry(['--json', 'inspect', scratch.path('absent')]))).toMatchObject({
      exit: 10,
      code: 'INPUT_UNREADABLE',
      message: 'cannot read the input',
      where: scratch.path('absent'),
      found: 'ENOENT',
    });
  });
});
