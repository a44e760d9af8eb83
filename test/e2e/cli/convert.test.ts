/** `stubferry convert`, `extract` and `replace-emulator`: every round trip gives the same bytes. */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { DEVICE_STATE, GZIPPED_STATE, MIGRATION_STREAM, XEN_STATE } from '../../support/cli/captured-states.js';
import { documentOf, failureOf, shell, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { COMPRESSED_SAVE, saveFile, saveFileTruncatedTo, saveFileWith } from '../../support/cli/save-files.js';
import { useScratch } from '../../support/cli/scratch.js';
import { LIBVIRT, libvirtHead } from '../../support/libvirt-save/libvirt-bytes.js';

// The tests start many processes, and the machine may be busy.
jest.setTimeout(180_000);

const scratch = useScratch();
const spool = () => ['--spool-dir', scratch.spool];
const run = (...args: string[]) => stubferry(['--json', ...args, ...spool()]);

async function saved(bytes = saveFile()): Promise<string> {
  const path = scratch.path('guest.save');
  await writeFile(path, bytes);
  return path;
}

describe('stubferry convert', () => {
  it.each([
    ['a device state', DEVICE_STATE],
    ['a gzipped device state of 4.6 MiB', GZIPPED_STATE],
    ['a migration stream', MIGRATION_STREAM],
  ])('converts %s to a statefile and back without a change', async (_, { path, bytes }) => {
    const [statefile, raw] = [scratch.path('statefile'), scratch.path('raw')];
    expect(documentOf(await run('convert', path, '--to', 'statefile', '-o', statefile))).toEqual({
      converted: { input: path, output: statefile, from: 'qevm', to: 'statefile', bytes: bytes.length },
    });
    expect((await stubferry(['verify', statefile])).exit).toBe(0);
    await run('convert', statefile, '--to', 'raw', '-o', raw);
    expect((await scratch.bytes('raw')).equals(bytes)).toBe(true);
  });

  it('reproduces a statefile byte for byte when its metadata are given', async () => {
    const given = [
      ...[
        '--transfer',
        '01234567-89ab-cdef-0123-456789abcdef',
        '--created',
        '2026-11-23T19:36:42.303Z',
        '--frame',
        '64K',
      ],
      ...['--target-uuid', 'f0e0d0c0-b0a0-4090-8070-605040302010', '--target-domid', '7'],
      ...['--qemu-version', '7.2.22', '--machine', 'xenfv', '--digest', 'chain'],
    ];
    const path = (name: string): string => scratch.path(name);
    await run('convert', GZIPPED_STATE.path, '--to', 'statefile', '-o', path('first'), ...given);
    expect(
      documentOf<{ inspect: object }>(await stubferry(['--json', 'inspect', path('first')])).inspect,
    ).toMatchObject({
      transfer: '01234567-89ab-cdef-0123-456789abcdef',
      ...{ target: 'f0e0d0c0-b0a0-4090-8070-605040302010', machineType: 'xenfv', created: '2026-11-23T19:36:42.303Z' },
    });
    await run('convert', path('first'), '--to', 'raw', '-o', path('raw'));
    await run('convert', path('raw'), '--to', 'statefile', '-o', path('second'), ...given);
    const first = await scratch.bytes('first');
    expect((await scratch.bytes('second')).equals(first)).toBe(true);
    // A conversion from statefile to statefile keeps the metadata of the BEGIN record.
    await run(
      'convert',
      path('first'),
      '--to',
      'statefile',
      '-o',
      path('third'),
      ...given.slice(0, 2),
      '--frame',
      '64K',
    );
    expect((await scratch.bytes('third')).equals(first)).toBe(true);
  });

  it('reads the emulator context of a save file, and works in a pipeline', async () => {
    const piped = await shell(
      `stubferry convert ${COMPRESSED_SAVE} --to statefile -o - | stubferry convert - --to raw -o -`,
      scratch.folder,
    );
    expect(piped).toMatchObject({ exit: 0, stderr: '' });
    expect(piped.stdout.equals(XEN_STATE.bytes)).toBe(true);
  });

  it.each(['raw', 'statefile'])('writes no output for a truncated state: --to %s', async (to) => {
    await writeFile(scratch.path('truncated'), MIGRATION_STREAM.bytes.subarray(0, 1_000_000));
    const failed = await run('convert', scratch.path('truncated'), '--to', to, '-o', scratch.path('out'));
    expect(failureOf(failed)).toMatchObject({ exit: 12, code: 'TRUNCATED', where: scratch.path('truncated') });
    expect(scratch.has('out')).toBe(false);
  });

  it('leaves nothing when a signal stops it', async () => {
    const out = scratch.path('out');
    const started = startStubferry(['--json', 'convert', '-', '--to', 'raw', '-o', out, ...spool()], { stdin: 'pipe' });
    // The process may close its standard input before it has read everything.
    started.child.stdin?.on('error', () => undefined);
    started.child.stdin?.write(MIGRATION_STREAM.bytes.subarray(0, 1_000_000));
    while ((await scratch.orphans()).length === 0) await delay(20);
    process.kill(started.pid, 'SIGTERM');
    expect(failureOf(await started.ended)).toMatchObject({
      exit: 130,
      code: 'CANCELLED',
      message: 'stopped by SIGTERM',
    });
    expect(scratch.has('out')).toBe(false);
  });

  it('replaces nothing without --force', async () => {
    await writeFile(scratch.path('out'), 'mine');
    const args = ['convert', XEN_STATE.path, '--to', 'raw', '-o', scratch.path('out')];
    expect(failureOf(await run(...args))).toMatchObject({ exit: 40, code: 'DESTINATION_EXISTS' });
    expect((await run(...args, '--force')).exit).toBe(0);
    expect((await scratch.bytes('out')).equals(XEN_STATE.bytes)).toBe(true);
  });

  it.each([
    [['--to', 'qcow2'], 'qcow2'],
    [['--to', 'statefile', '--frame', '1K'], 'the payload of a frame is 4K to 8M'],
    [['--to', 'statefile', '--created', 'yesterday'], 'a time has the form'],
  ])('refuses %j', async (args, text) => {
    const failed = await stubferry(['convert', XEN_STATE.path, '-o', scratch.path('out'), ...args]);
    expect(failed).toMatchObject({ exit: 2, stderr: expect.stringContaining(text) });
  });
});

describe('stubferry extract', () => {
  it('extracts the emulator context of an xl save file, equal to the separately captured state', async () => {
    const [save, out] = [await saved(), scratch.path('state')];
    expect(documentOf(await run('extract', save, '-o', out))).toEqual({
      extracted: { file: save, output: out, part: 'state', bytes: 6674 },
    });
    expect((await scratch.bytes('state')).equals(XEN_STATE.bytes)).toBe(true);
    const piped = await shell('cat guest.save | stubferry extract - -o -', scratch.folder);
    expect(piped.stdout.equals(XEN_STATE.bytes)).toBe(true);
  });

  it('extracts the config of a save file', async () => {
    const config = await stubferry(['extract', await saved(), '--config', '-o', '-']);
    expect(JSON.parse(`${config.stdout}`)).toMatchObject({ c_info: { type: 'hvm', name: 'min8-stub' } });
    await writeFile(scratch.path('libvirt'), Buffer.concat([libvirtHead(), MIGRATION_STREAM.bytes]));
    const xml = await stubferry(['extract', scratch.path('libvirt'), '--config', '-o', '-']);
    expect(`${xml.stdout}`).toBe(LIBVIRT.xml);
  });

  it('reports an input without a config', async () => {
    expect(failureOf(await run('extract', XEN_STATE.path, '--config', '-o', scratch.path('out')))).toMatchObject({
      ...{ exit: 86, code: 'NOT_IN_INPUT', message: 'the input contains no domain config', where: XEN_STATE.path },
    });
  });

  it('extracts the body of one section by name or id, from each format', async () => {
    const save = await saved();
    const [out, name] = [scratch.path('section'), '0000:00:02.0/platform'];
    expect(documentOf(await run('extract', save, '--section', name, '-o', out))).toEqual({
      extracted: { file: save, output: out, part: 'section', section: name, bytes: 277 },
    });
    const body = XEN_STATE.bytes.subarray(-278, -1);
    expect((await scratch.bytes('section')).equals(body)).toBe(true);
    for (const [file, section] of [
      [XEN_STATE.path, 'platform'],
      [COMPRESSED_SAVE, '32'],
    ] as const)
      expect((await stubferry(['extract', file, '--section', section, '-o', '-'])).stdout.equals(body)).toBe(true);
  });

  it('lists the existing sections when the requested one is missing', async () => {
    expect(
      failureOf(await run('extract', XEN_STATE.path, '--section', 'e1000', '-o', scratch.path('out'))),
    ).toMatchObject({
      ...{ exit: 86, code: 'NOT_IN_INPUT', message: 'no section is called e1000' },
      found: expect.stringContaining('0000:00:02.0/platform (32)'),
    });
    expect(scratch.has('out')).toBe(false);
    const ram = await run('extract', MIGRATION_STREAM.path, '--section', 'ram', '-o', scratch.path('out'));
    expect(failureOf(ram)).toMatchObject({ exit: 86, expected: 'a section of a device' });
    const both = await run('extract', XEN_STATE.path, '--section', 'cpu', '--config', '-o', scratch.path('out'));
    expect(both.exit).toBe(2);
  });

  it('extracts nothing from a truncated file', async () => {
    const save = await saved(saveFileTruncatedTo(6673));
    expect(failureOf(await run('extract', save, '-o', scratch.path('out')))).toMatchObject({
      exit: 12,
      code: 'TRUNCATED',
    });
    expect(scratch.has('out')).toBe(false);
  });
});

describe('stubferry replace-emulator', () => {
  it('reproduces the file when the extracted state is put back', async () => {
    const save = await saved();
    await run('extract', save, '-o', scratch.path('state'));
    await run('convert', scratch.path('state'), '--to', 'statefile', '-o', scratch.path('statefile'));
    const replaced = await run('replace-emulator', save, scratch.path('statefile'), '-o', scratch.path('again'));
    expect(documentOf(replaced)).toEqual({
      replaced: { save, state: scratch.path('statefile'), output: scratch.path('again'), was: 6674, is: 6674 },
    });
    expect((await scratch.bytes('again')).equals(saveFile())).toBe(true);
  });

  it('replaces the state by one of another length, and back again', async () => {
    const save = await saved();
    await run('replace-emulator', save, DEVICE_STATE.path, '-o', scratch.path('other'));
    expect((await scratch.bytes('other')).equals(saveFileWith(DEVICE_STATE.bytes))).toBe(true);
    expect((await stubferry(['verify', scratch.path('other')])).exit).toBe(0);
    await run('replace-emulator', scratch.path('other'), save, '-o', scratch.path('back'));
    expect((await scratch.bytes('back')).equals(saveFile())).toBe(true);
  });

  it.each<[string, string, string, object]>([
    [
      'a migration stream',
      'SAVE',
      MIGRATION_STREAM.path,
      { exit: 11, code: 'NOT_A_STATE', expected: expect.stringContaining('device state') },
    ],
    [
      'an input that is not a save file',
      XEN_STATE.path,
      XEN_STATE.path,
      { exit: 11, code: 'NOT_A_STATE', found: 'qevm' },
    ],
    ['a compressed save file', COMPRESSED_SAVE, XEN_STATE.path, { exit: 10, found: 'a file compressed with xz' }],
  ])('refuses %s', async (_, save, state, expected) => {
    const path = save === 'SAVE' ? await saved() : save;
    expect(failureOf(await run('replace-emulator', path, state, '-o', scratch.path('out')))).toMatchObject(expected);
    expect(scratch.has('out')).toBe(false);
  });
});

describe('stubferry restore of an xl save file', () => {
  it('sends its emulator context', async () => {
    const out = scratch.path('out');
    const restored = await stubferry(['restore', await saved(), '-o', out, ...scratch.options]);
    expect(restored.exit).toBe(0);
    expect((await scratch.bytes('out')).equals(XEN_STATE.bytes)).toBe(true);
  });

  it.each([
    ['the emulator context is truncated', saveFileTruncatedTo(6673), 'the QEMU state is truncated'],
    ['its END is missing', saveFile().subarray(0, -8), 'the input is truncated'],
  ])('sends nothing when %s', async (_, bytes, message) => {
    const out = scratch.path('out');
    const failed = await stubferry(['--json', 'restore', await saved(bytes), '-o', out, ...scratch.options]);
    expect(failureOf(failed)).toMatchObject({ exit: 12, code: 'TRUNCATED', message });
    expect(scratch.has('out')).toBe(false);
  });
});
