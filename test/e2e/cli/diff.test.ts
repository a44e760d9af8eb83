import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE, MIGRATION_STREAM, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';

const scratch = useScratch();
const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
const RESTORED = fixture('xen-states/xen-minimal-restored.qevm');
const XL_SAVE = fixture('xl-save/xen-minimal.xlsave.xz');

describe('stubferry diff', () => {
  it('exits with status 0 for a state and itself, in each format', async () => {
    const statefile = scratch.path('statefile');
    await stubferry(['save', '-i', XEN_STATE.path, '-o', statefile, ...scratch.options]);
    for (const other of [XEN_STATE.path, statefile, XL_SAVE]) {
      const ended = await stubferry(['--json', 'diff', XEN_STATE.path, other]);
      expect(ended.exit).toBe(0);
      const same = { same: true, sameSections: 22, others: [], sections: [], ignored: [] };
      expect(documentOf(ended)).toEqual({ diff: { a: XEN_STATE.path, b: other, ...same } });
    }
  });

  it('exits with status 80 for two states that differ, and reports where', async () => {
    const { exit, stdout, stderr } = await stubferry(['diff', XEN_STATE.path, RESTORED]);
    expect({ exit, stderr }).toEqual({ exit: 80, stderr: '' });
    expect(stdout.toString()).toContain(
      'changed  0000:00:01.1/ide: version 3, 942 bytes\n           bytes at 289 (0x121): 01 -> 00\n3 differences; ',
    );
  });

  it('ignores clocks with --ignore clock, and reports what it ignored', async () => {
    const { exit, stdout } = await stubferry(['diff', '--ignore', 'clock', XEN_STATE.path, RESTORED]);
    expect(exit).toBe(80);
    expect(stdout.toString()).toBe(
      'changed  0000:00:01.1/ide: version 3, 942 bytes\n' +
        '           bytes at 289 (0x121): 01 -> 00\n' +
        'ignored  timer: 2 changes of clocks and timers\n' +
        'ignored  mc146818rtc: 2 changes of clocks and timers\n' +
        '1 difference; 19 sections identical\n',
    );
  });

  it('reports fields by name where one of the states has a description', async () => {
    const ended = await stubferry(['--json', 'diff', MIGRATION_STREAM.path, DEVICE_STATE.path]);
    expect(ended.exit).toBe(80);
    expect(documentOf(ended)).toMatchObject({
      diff: {
        others: expect.arrayContaining([{ what: 'machine type', before: 'pc-i440fx-7.2', after: '' }]),
        sections: expect.arrayContaining([
          expect.objectContaining({
            ...{ name: 'i8259', instance: 1, kind: 'changed', described: true },
            changes: expect.arrayContaining([{ field: 'imr', type: 'uint8', offset: 2, before: '00', after: '8e' }]),
          }),
        ]),
      },
    });
  });

  it('reads one of the two states from standard input', async () => {
    await writeFile(scratch.path('state'), XEN_STATE.bytes);
    const ended = await shell('stubferry --json diff state - < state', scratch.folder);
    expect(documentOf(ended)).toMatchObject({ diff: { same: true } });
    expect(failureOf(await stubferry(['--json', 'diff', '-', '-']))).toMatchObject({ exit: 2, code: 'USAGE' });
  });

  it('refuses a truncated state', async () => {
    await writeFile(scratch.path('truncated'), XEN_STATE.bytes.subarray(0, -1));
    expect(failureOf(await stubferry(['--json', 'diff', XEN_STATE.path, scratch.path('truncated')]))).toMatchObject({
      exit: 12,
      code: 'TRUNCATED',
      where: scratch.path('truncated'),
    });
  });
});
