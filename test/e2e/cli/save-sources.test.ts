import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE, GZIPPED_STATE, MIGRATION_STREAM, sha256, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, shell, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

interface Saved {
  readonly save: { readonly kind: string; readonly bytes: number; readonly sha256: string };
}

const scratch = useScratch();

const save = (input: string, ...more: string[]): string[] => {
  return ['--json', 'save', '-i', input, '-o', scratch.path('saved'), ...scratch.options, ...more];
};

const SOURCES = [
  ['a device state', DEVICE_STATE, 'device-state'],
  ['a device state from a real stubdom', XEN_STATE, 'device-state'],
  ['a gzipped device state, decompressed', GZIPPED_STATE, 'device-state'],
  ['a whole migration stream', MIGRATION_STREAM, 'migration-stream'],
] as const;

describe('stubferry save', () => {
  it.each(SOURCES)('saves %s from a file', async (_, state, kind) => {
    const ended = await stubferry(save(state.path));
    expect(ended.exit).toBe(0);
    expect(documentOf<Saved>(ended).save).toMatchObject({
      kind,
      bytes: state.bytes.length,
      sha256: state.sha256,
    });
  });

  it('saves a state from a FIFO that gets a writer later', async () => {
    const fifo = scratch.fifo('qemu');
    const saving = startStubferry(save(fifo));
    await shell(`sleep 0.3; cat '${DEVICE_STATE.path}' > '${fifo}'`, scratch.folder);
    expect(documentOf<Saved>(await saving.ended).save).toMatchObject({ sha256: DEVICE_STATE.sha256 });
  });

  it('saves a state from a pipe on standard input', async () => {
    const line = `cat '${DEVICE_STATE.path}' | stubferry save -o out --raw --transfer-dir '${scratch.disks}'`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 0, stderr: '' });
    expect(sha256(await scratch.bytes('out'))).toBe(DEVICE_STATE.sha256);
  });

  it('saves a state from a file on standard input', async () => {
    const stdin = openSync(DEVICE_STATE.path, 'r');
    const ended = await stubferry(save('-'), { stdin });
    closeSync(stdin);
    expect(documentOf<Saved>(ended).save).toMatchObject({ sha256: DEVICE_STATE.sha256 });
  });

  it('starts at the current file offset of standard input', async () => {
    await writeFile(scratch.path('input'), Buffer.concat([Buffer.from('line\n'), DEVICE_STATE.bytes]));
    const line = `{ read -r line; stubferry save -o out --raw --transfer-dir '${scratch.disks}'; } < input`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 0, stderr: '' });
    expect(sha256(await scratch.bytes('out'))).toBe(DEVICE_STATE.sha256);
  });

  it('saves a statefile, and keeps the metadata of its BEGIN record', async () => {
    const first = scratch.path('first');
    const about = ['--qemu-version', '7.2.22', '--machine', 'xenfv', '--target-domid', '7'];
    await stubferry(['save', '-i', DEVICE_STATE.path, '-o', first, ...about, ...scratch.options]);
    await stubferry(save(first));
    const inspected = await stubferry(['--json', 'inspect', scratch.path('saved')]);
    const metadata = { qemuVersion: '7.2.22', machineType: 'xenfv', targetDomid: 7, sha256: DEVICE_STATE.sha256 };
    expect(documentOf(inspected)).toMatchObject({ inspect: metadata });
  });

  it('saves any bytes with --opaque', async () => {
    await writeFile(scratch.path('input'), 'no state at all');
    const ended = await stubferry(save(scratch.path('input'), '--opaque'));
    expect(documentOf<Saved>(ended).save).toMatchObject({ kind: 'opaque', bytes: 15 });
  });

  it('omits the digests of the whole state with --digest chain', async () => {
    const ended = await stubferry(save(DEVICE_STATE.path, '--digest', 'chain'));
    expect(Object.keys(documentOf<Saved>(ended).save)).not.toContain('sha256');
  });
});
