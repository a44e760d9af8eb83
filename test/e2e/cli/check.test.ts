import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { DEVICE_STATE, MIGRATION_STREAM, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { fixtureBytes } from '../../support/qevm/all-states.js';

const scratch = useScratch();
const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
const ISAPC = fixture('device-states/isapc.xen.qevm');

/** What -dump-vmstate of Debian's QEMU 7.2 writes. */
async function dumpFile(): Promise<string> {
  await writeFile(scratch.path('dump.json'), fixtureBytes('vmstate-dumps/pc-i440fx-7.2.json.gz'));
  return scratch.path('dump.json');
}

/** DEVICE_STATE as a newer QEMU would write it: its i8254 in version 9. */
async function newerState(): Promise<string> {
  const bytes = Buffer.from(DEVICE_STATE.bytes);
  bytes[bytes.indexOf('i8254') + 5 + 4 + 3] = 9;
  await writeFile(scratch.path('newer'), bytes);
  return scratch.path('newer');
}

const NEWER = { subject: 'i8254', problem: "version 9, newer than the destination's 3" };

describe('stubferry check', () => {
  it('ends with status 0 where nothing speaks against a state', async () => {
    const dump = await dumpFile();
    for (const { path } of [DEVICE_STATE, MIGRATION_STREAM]) {
      const ended = await stubferry(['--json', 'check', path, '--against', dump]);
      expect(ended.exit).toBe(0);
      const against = [expect.objectContaining({ name: dump, machine: 'pc-i440fx-7.2', loads: true, findings: [] })];
      expect(documentOf(ended)).toEqual({ check: { file: path, loads: true, against } });
    }
  });

  it('ends with status 81 for a newer section, and says what QEMU would do', async () => {
    const state = await newerState();
    const { exit, stdout, stderr } = await stubferry(['check', state, '--against', await dumpFile()]);
    expect({ exit, stderr }).toEqual({ exit: 81, stderr: '' });
    expect(stdout.toString()).toBe(
      "refused  i8254: version 9, newer than the destination's 3\n" +
        "           QEMU refuses the state: unsupported version 9 for 'i8254' v3\n" +
        `${state}: it will not load in ${scratch.path('dump.json')}; sections that fit: 27\n`,
    );
  });

  it('takes a state of the destination for what that has', async () => {
    const ended = await stubferry(['--json', 'check', DEVICE_STATE.path, '--against', ISAPC]);
    expect(ended.exit).toBe(81);
    const { check } = documentOf<{ check: { against: { findings: { verdict: string; subject: string }[] }[] } }>(ended);
    const found = check.against[0]?.findings.map(({ verdict, subject }) => `${verdict} ${subject}`);
    expect(found).toContain('refused 0000:00:01.0/PIIX3');
    expect(found).toContain('lost isa-ide');
  });

  it('reads the state from standard input', async () => {
    await dumpFile();
    const line = `stubferry check - --against dump.json < '${DEVICE_STATE.path}'`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 0 });
  });

  it.each([
    ['nothing', () => scratch.path('absent'), 'there is nothing to check the state against', 82],
    ['a folder', () => scratch.folder, 'there is nothing to check the state against', 82],
    ['a dump for which a machine is named', dumpFile, '--machine, and arguments behind --, are for a QEMU program', 2],
  ])('refuses %s as a destination', async (what, path, message, exit) => {
    const more = what.startsWith('a dump') ? ['--machine', 'pc'] : [];
    const ended = await stubferry(['--json', 'check', DEVICE_STATE.path, '--against', await path(), ...more]);
    expect(failureOf(ended)).toMatchObject({ exit, message });
  });

  it('asks for the machine type of a program, and says when that is no QEMU', async () => {
    const check = ['--json', 'check', DEVICE_STATE.path, '--against'];
    expect(failureOf(await stubferry([...check, process.execPath]))).toMatchObject({
      exit: 2,
      message: 'which machine type has the destination? Name it with --machine',
    });
    expect(failureOf(await stubferry([...check, 'no-such-qemu', '--machine', 'pc']))).toMatchObject({
      exit: 83,
      code: 'PROBE_FAILED',
      where: 'no-such-qemu',
      found: 'ENOENT',
    });
  });
});

describe('stubferry restore --check', () => {
  const restore = (state: string, check: string) => {
    return stubferry(['--json', 'restore', state, '-o', scratch.path('out'), '--check', check, ...scratch.options]);
  };

  it('restores a state that fits', async () => {
    expect(documentOf(await restore(DEVICE_STATE.path, await dumpFile()))).toMatchObject({ restore: { bytes: 12449 } });
    expect(scratch.has('out')).toBe(true);
  });

  it('does nothing with one that does not', async () => {
    const state = await newerState();
    expect(failureOf(await restore(state, await dumpFile()))).toMatchObject({
      exit: 81,
      code: 'WOULD_NOT_LOAD',
      where: state,
      expected: `what ${scratch.path('dump.json')} loads`,
      found: `${NEWER.subject}: ${NEWER.problem}`,
    });
    expect(scratch.has('out')).toBe(false);
  });

  it('needs a state that can be read twice', async () => {
    expect(failureOf(await restore(scratch.fifo('fifo'), await dumpFile()))).toMatchObject({ exit: 2, code: 'USAGE' });
  });
});

describe('stubferry save --check', () => {
  const save = (...args: string[]) => stubferry(['--json', 'save', ...args, ...scratch.options]);

  it('does nothing with a state in a file that does not fit', async () => {
    const ended = await save('-i', await newerState(), '-o', scratch.path('out'), '--check', await dumpFile());
    expect(failureOf(ended)).toMatchObject({ exit: 81, code: 'WOULD_NOT_LOAD' });
    expect(scratch.has('out')).toBe(false);
  });

  it('saves a state that comes from elsewhere, and then says that it does not fit', async () => {
    await newerState();
    const dump = await dumpFile();
    const line = `cat newer | stubferry --json save -o out --check '${dump}' --transfer-dir '${scratch.disks}'`;
    const ended = await shell(line, scratch.folder);
    expect(ended.exit).toBe(81);
    expect(documentOf(ended)).toMatchObject({
      save: { bytes: DEVICE_STATE.bytes.length },
      check: { file: 'out', loads: false, against: [{ findings: [{ verdict: 'refused', ...NEWER }] }] },
    });
    expect(scratch.has('out')).toBe(true);
  });

  it('cannot check what goes to standard output', async () => {
    const line = `cat '${XEN_STATE.path}' | stubferry save -o - --check '${await dumpFile()}'`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 2 });
  });

  it('does not start a QEMU to check against', async () => {
    const ended = await save('-i', DEVICE_STATE.path, '-o', scratch.path('out'), '--check', process.execPath);
    expect(failureOf(ended)).toMatchObject({
      exit: 2,
      message: '--check takes what -dump-vmstate wrote, or a state of the destination',
    });
  });
});
