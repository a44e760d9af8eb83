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

/** The -dump-vmstate file of Debian's QEMU 7.2. */
async function dumpFile(): Promise<string> {
  await writeFile(scratch.path('dump.json'), fixtureBytes('vmstate-dumps/pc-i440fx-7.2.json.gz'));
  return scratch.path('dump.json');
}

/** DEVICE_STATE as a newer QEMU would write it, with its i8254 in version 9. */
async function newerState(): Promise<string> {
  const bytes = Buffer.from(DEVICE_STATE.bytes);
  bytes[bytes.indexOf('i8254') + 5 + 4 + 3] = 9;
  await writeFile(scratch.path('newer'), bytes);
  return scratch.path('newer');
}

const NEWER = { subject: 'i8254', problem: "version 9, newer than the destination's 3" };

describe('stubferry check', () => {
  it('exits with status 0 for a compatible state', async () => {
    const dump = await dumpFile();
    for (const { path } of [DEVICE_STATE, MIGRATION_STREAM]) {
      const ended = await stubferry(['--json', 'check', path, '--against', dump]);
      expect(ended.exit).toBe(0);
      const against = [expect.objectContaining({ name: dump, machine: 'pc-i440fx-7.2', loads: true, findings: [] })];
      expect(documentOf(ended)).toEqual({ check: { file: path, loads: true, against } });
    }
  });

  it('exits with status 81 for a newer section, and reports what QEMU would do', async () => {
    const state = await newerState();
    const { exit, stdout, stderr } = await stubferry(['check', state, '--against', await dumpFile()]);
    expect({ exit, stderr }).toEqual({ exit: 81, stderr: '' });
    expect(stdout.toString()).toBe(
      "refused  i8254: version 9, newer than the destination's 3\n" +
        "           QEMU refuses the state: unsupported version 9 for 'i8254' v3\n" +
        `${state}: incompatible with ${scratch.path('dump.json')}: QEMU refuses the state; 27 sections match\n`,
    );
  });

  it('uses a state of the destination as the list of its devices', async () => {
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
    ['a missing file', () => scratch.path('absent'), 'the destination cannot be opened', 82],
    ['a directory', () => scratch.folder, 'the destination cannot be opened', 82],
    ['a dump with a machine type', dumpFile, '--machine and arguments after -- apply only to a QEMU program', 2],
  ])('refuses %s as a destination', async (what, path, message, exit) => {
    const more = what.startsWith('a dump') ? ['--machine', 'pc'] : [];
    const ended = await stubferry(['--json', 'check', DEVICE_STATE.path, '--against', await path(), ...more]);
    expect(failureOf(ended)).toMatchObject({ exit, message });
  });

  it('requires the machine type of a program, and reports a program that is not a QEMU', async () => {
    const check = ['--json', 'check', DEVICE_STATE.path, '--against'];
    expect(failureOf(await stubferry([...check, process.execPath]))).toMatchObject({
      exit: 2,
      message: 'the machine type of the destination is missing',
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

  it('restores a compatible state', async () => {
    expect(documentOf(await restore(DEVICE_STATE.path, await dumpFile()))).toMatchObject({ restore: { bytes: 12449 } });
    expect(scratch.has('out')).toBe(true);
  });

  it('refuses an incompatible state before it restores anything', async () => {
    const state = await newerState();
    expect(failureOf(await restore(state, await dumpFile()))).toMatchObject({
      exit: 81,
      code: 'WOULD_NOT_LOAD',
      where: state,
      expected: `a state that ${scratch.path('dump.json')} loads`,
      found: `${NEWER.subject}: ${NEWER.problem}`,
    });
    expect(scratch.has('out')).toBe(false);
  });

  it('requires a state that can be read twice', async () => {
    expect(failureOf(await restore(scratch.fifo('fifo'), await dumpFile()))).toMatchObject({ exit: 2, code: 'USAGE' });
  });
});

describe('stubferry save --check', () => {
  const save = (...args: string[]) => stubferry(['--json', 'save', ...args, ...scratch.options]);

  it('refuses an incompatible state in a file before it saves anything', async () => {
    const ended = await save('-i', await newerState(), '-o', scratch.path('out'), '--check', await dumpFile());
    expect(failureOf(ended)).toMatchObject({ exit: 81, code: 'WOULD_NOT_LOAD' });
    expect(scratch.has('out')).toBe(false);
  });

  it('saves an incompatible state from a pipe, and then reports that it is incompatible', async () => {
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

  it('cannot check a state that goes to standard output', async () => {
    const line = `cat '${XEN_STATE.path}' | stubferry save -o - --check '${await dumpFile()}'`;
    expect(await shell(line, scratch.folder)).toMatchObject({ exit: 2 });
  });

  it('does not start a QEMU as the destination', async () => {
    const ended = await save('-i', DEVICE_STATE.path, '-o', scratch.path('out'), '--check', process.execPath);
    expect(failureOf(ended)).toMatchObject({
      exit: 2,
      message: '--check needs a -dump-vmstate file or a state of the destination',
    });
  });
});
