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
  ['a gzipped device state, unpacked', GZIPPED_STATE, 'device-state'],
  ['a whole migration stream', MIGRATION_STREAM, 'migration-stream'],
] as const;

describe('stubferry save', () => {
  it.each(SOURCES)('takes %s from a file', async (_, state, kind) => {
    const ended = await stubferry(save(state.path));
    expect(ended.exit).toBe(0);
    expect(documentOf<Saved>(ended).save).toMatchObject({
      kind,
      bytes: state.bytes.length,
      sha256: state.sha256,
    });
  });

  it('takes a state from a FIFO to which somebody writes later', async () => {
    const fifo = scratch.fifo('qemu');
    const saving = startStubferry(save(fifo));
    await shell(`sleep 0.3; cat '${DEVICE_STATE.path}' > '${fifo}'`, scratch.folder);
    expect(documentOf<Saved>(await saving.ended).save).toMatchObject({ sha256: DEVICE_STATE.sha256 });
  });

  it('takes a state from a pipe on standard input', async () => {
    const line = `cat '${DEVICE_STATE.path}' | stubferry save -o out --raw --transfer-dir '${scratch.disks}'`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 0, stderr: '' });
    expect(sha256(await scratch.bytes('out'))).toBe(DEVICE_STATE.sha256);
  });

  it('takes a state from a file on standard input', async () => {
    const stdin = openSync(DEVICE_STATE.path, 'r');
    const ended = await stubferry(save('-'), { stdin });
    closeSync(stdin);
    expect(documentOf<Saved>(ended).save).toMatchObject({ sha256: DEVICE_STATE.sha256 });
  });

  it('begins where standard input stands, when somebody has read a part of that file', async () => {
    await writeFile(scratch.path('input'), Buffer.concat([Buffer.from('line\n'), DEVICE_STATE.bytes]));
    const line = `{ read -r line; stubferry save -o out --raw --transfer-dir '${scratch.disks}'; } < input`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 0, stderr: '' });
    expect(sha256(await scratch.bytes('out'))).toBe(DEVICE_STATE.sha256);
  });

  it('takes a statefile, and keeps what its BEGIN says', async () => {
    const first = scratch.path('first');
    const about = ['--qemu-version', '7.2.22', '--machine', 'xenfv', '--target-domid', '7'];
    await stubferry(['save', '-i', DEVICE_STATE.path, '-o', first, ...about, ...scratch.options]);
    await stubferry(save(first));
    const inspected = await stubferry(['--json', 'inspect', scratch.path('saved')]);
    const said = { qemuVersion: '7.2.22', machineType: 'xenfv', targetDomid: 7, sha256: DEVICE_STATE.sha256 };
    expect(documentOf(inspected)).toMatchObject({ inspect: said });
  });

  it('moves any bytes with --opaque', async () => {
    await writeFile(scratch.path('input'), 'no state at all');
    const ended = await stubferry(save(scratch.path('input'), '--opaque'));
    expect(documentOf<Saved>(ended).save).toMatchObject({ kind: 'opaque', bytes: 15 });
  });

  it('leaves the digests of the whole state out with --digest chain', async () => {
    const ended = await stubferry(save(DEVICE_STATE.path, '--digest', 'chain'));
    expect(Object.keys(documentOf<Saved>(ended).save)).not.toContain('sha256');
  });
});
