import { execFileSync } from 'node:child_process';
import { appendFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();

async function statefile(): Promise<string> {
  const path = scratch.path('statefile');
  await stubferry(['save', '-i', DEVICE_STATE.path, '-o', path, ...scratch.options]);
  return path;
}

const verify = (file: string) => stubferry(['--json', 'verify', file]);

describe('stubferry verify', () => {
  it('exits with status 0 for a valid statefile: file, standard input or gzipped', async () => {
    const path = await statefile();
    await writeFile(scratch.path('statefile.gz'), execFileSync('gzip', ['-c', path]));
    const whole = { format: 'statefile', checked: 'every-byte', bytes: 12449, dataRecords: 1 };
    expect(documentOf(await verify(path))).toEqual({ verified: { file: path, ...whole } });
    const piped = await shell('cat statefile | stubferry --json verify -', scratch.folder);
    expect(documentOf(piped)).toEqual({ verified: { file: '-', ...whole } });
    expect(documentOf(await verify(scratch.path('statefile.gz')))).toMatchObject({ verified: whole });
  });

  it('verifies the QEMU state as well, and refuses a truncated state unless it is opaque', async () => {
    await writeFile(scratch.path('truncated'), DEVICE_STATE.bytes.subarray(0, -1));
    await stubferry([
      'save',
      '-i',
      scratch.path('truncated'),
      '-o',
      scratch.path('statefile'),
      '--opaque',
      ...scratch.options,
    ]);
    // The statefile is valid, because verify does not parse opaque bytes.
    expect((await verify(scratch.path('statefile'))).exit).toBe(0);
    expect(failureOf(await verify(scratch.path('truncated')))).toMatchObject({ exit: 12, code: 'TRUNCATED' });
  });

  it('reports the offset of a flipped bit', async () => {
    const path = await statefile();
    const bytes = await scratch.bytes('statefile');
    bytes[2 * 4096 + 17] = (bytes[2 * 4096 + 17] ?? 0) ^ 4;
    await writeFile(path, bytes);
    expect(failureOf(await verify(path))).toMatchObject({
      exit: 13,
      code: 'CORRUPT',
      message: 'checksum mismatch in the header of a frame',
      where: path,
      offset: 2 * 4096,
    });
  });

  it('reports the offset of a truncation', async () => {
    const path = await statefile();
    await writeFile(path, (await scratch.bytes('statefile')).subarray(0, 14_000));
    expect(failureOf(await verify(path))).toMatchObject({
      exit: 12,
      code: 'TRUNCATED',
      message: 'the statefile is truncated',
      offset: 14_000,
    });
  });

  it('refuses a byte after the end', async () => {
    const path = await statefile();
    await appendFile(path, 'x');
    expect(failureOf(await verify(path))).toMatchObject({
      exit: 13,
      code: 'CORRUPT',
      message: 'unexpected data after the end of the statefile',
      offset: 45056,
    });
  });
});
