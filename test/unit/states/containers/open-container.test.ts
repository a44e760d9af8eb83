/** Containers as the commands see them: recognised by content, with the state in them, or with their flaw. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, jest } from '@jest/globals';
import type { Seekable, StateSource } from '../../../../src/formats/state-source.js';
import { examineInput, recogniseState } from '../../../../src/states/recognise-state.js';
import { CountedFile } from '../../../support/containers/counted-file.js';
import { allOf } from '../../../support/io/all-of.js';
import { ChunkedSource } from '../../../support/io/chunked-source.js';
import { libvirtHead } from '../../../support/libvirt-save/libvirt-bytes.js';
import { libxcStream, PV } from '../../../support/libxc-stream/libxc-bytes.js';
import { emulatorRecord, libxlHead, libxlRecord, libxlStream } from '../../../support/libxl-stream/libxl-bytes.js';
import { WHERE } from '../../../support/pull-parser/parsed.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { configData, XL, xlHead, xlSave } from '../../../support/xl-save/xl-bytes.js';

// Many processes, on a machine that may be busy.
jest.setTimeout(180_000);

const FIXTURES = fileURLToPath(new URL('../../../../fixtures/', import.meta.url));
const CONTEXT = readFileSync(`${FIXTURES}xen-states/xen-minimal.qevm`);
const STREAM = gunzipSync(readFileSync(`${FIXTURES}device-states/pc-minimal.description.qevm.gz`));

const packed = (program: string, bytes: Uint8Array): Buffer => execFileSync(program, ['-cq'], { input: bytes });

/** Bytes as a regular file. */
class FileInMemory extends ChunkedSource {
  readonly seekable: Seekable;
  constructor(bytes: Uint8Array) {
    super(bytes);
    this.seekable = new CountedFile(bytes);
  }
}

const pipe = (bytes: Uint8Array): StateSource => new ChunkedSource(bytes, [4095, 7, 60_000]);
const file = (bytes: Uint8Array): StateSource => new FileInMemory(bytes);

async function stateIn(source: StateSource): Promise<Buffer> {
  const opened = await recogniseState(source, WHERE);
  if (opened.format === 'transfer-disk') throw new Error('a transfer disk');
  return allOf(opened.source);
}

const XL_FILE = xlSave(CONTEXT);
const PV_FILE = Buffer.concat([
  xlHead(XL, configData('{"c_info":{"type":"pv"}}')),
  ...[libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcStream(PV), libxlRecord('END')],
]);

describe.each([
  ['a file', file],
  ['a pipe', pipe],
] as const)('from %s', (_, open) => {
  it.each<[string, Buffer, Buffer, string]>([
    ['an xl save file', XL_FILE, CONTEXT, 'xl-save'],
    ['a big-endian xl save file', xlSave(CONTEXT, 'big'), CONTEXT, 'xl-save'],
    ['a libxl stream', libxlStream(CONTEXT), CONTEXT, 'libxl-stream'],
    ['a libvirt save file', Buffer.concat([libvirtHead(), STREAM]), STREAM, 'libvirt-save'],
    [
      'a libvirt save file with gzip in it',
      Buffer.concat([libvirtHead({ format: 1 }), gzipSync(STREAM)]),
      STREAM,
      'libvirt-save',
    ],
    [
      'a libvirt save file with xz in it',
      Buffer.concat([libvirtHead({ format: 3 }), packed('xz', STREAM)]),
      STREAM,
      'libvirt-save',
    ],
    [
      'a libvirt save file with zstd in it',
      Buffer.concat([libvirtHead({ format: 5 }), packed('zstd', STREAM)]),
      STREAM,
      'libvirt-save',
    ],
  ])('%s gives the state that it holds', async (__, bytes, state, kind) => {
    expect(await recogniseState(open(bytes), WHERE)).toMatchObject({ format: 'container', container: { kind } });
    expect((await stateIn(open(bytes))).equals(state)).toBe(true);
    for (const program of ['gzip', 'xz', 'zstd'])
      expect((await stateIn(open(packed(program, bytes)))).equals(state)).toBe(true);
  });

  it('the state of an xl save file was read section by section', async () => {
    const examined = await examineInput(open(XL_FILE), WHERE);
    expect(examined).toMatchObject({
      flaw: undefined,
      state: { qevm: { bytes: 6674 }, offset: XL_FILE.indexOf('QEVM') },
    });
  });

  it('a PV guest has no emulator context, which is no flaw', async () => {
    expect(await examineInput(open(PV_FILE), WHERE)).toMatchObject({
      format: 'container',
      flaw: undefined,
      state: undefined,
    });
    expect(await rejectionOf(recogniseState(open(PV_FILE), WHERE))).toMatchObject({
      code: 'NOT_IN_INPUT',
      message: 'there is no emulator context in this',
      details: { where: WHERE },
    });
  });

  it('a cut file is shown as far as it goes, and refused', async () => {
    const cut = XL_FILE.subarray(0, -3);
    expect(await examineInput(open(cut), WHERE)).toMatchObject({
      container: { libxl: { libxc: { ended: true }, ended: false } },
      flaw: { code: 'TRUNCATED', details: { offset: cut.length } },
    });
    expect(await rejectionOf(recogniseState(open(cut), WHERE))).toMatchObject({ code: 'TRUNCATED' });
  });

  it.each<[string, Buffer, object]>([
    ['of four bytes', CONTEXT.subarray(0, 4), { code: 'TRUNCATED', details: { offset: XL_FILE.indexOf('QEVM') + 4 } }],
    ['of three bytes', CONTEXT.subarray(0, 3), { code: 'TRUNCATED', message: 'what should be a QEMU state is none' }],
    [
      'cut at an odd place',
      CONTEXT.subarray(0, 3001),
      { code: 'TRUNCATED', message: 'the QEMU state does not end in its end mark' },
    ],
    [
      'cut where it ends in 0x00',
      CONTEXT.subarray(0, 6673),
      { code: 'TRUNCATED', message: 'the QEMU state was cut off' },
    ],
    [
      'that is none',
      Buffer.from('no QEMU state'),
      { code: 'CORRUPT', message: 'what should be a QEMU state is none', details: { found: '"no Q"' } },
    ],
    [
      'of another version',
      Buffer.from('QEVM\0\0\0\u0002\u0004\0', 'latin1'),
      { code: 'UNSUPPORTED_VERSION', details: { offset: XL_FILE.indexOf('QEVM') + 4 } },
    ],
  ])('an emulator context %s is a flaw', async (__, context, flaw) => {
    expect(await rejectionOf(recogniseState(open(xlSave(context)), WHERE))).toMatchObject(flaw);
    expect(await examineInput(open(xlSave(context)), WHERE)).toMatchObject({ flaw, state: undefined });
  });

  it('a libvirt save file that is not finished is shown, and refused', async () => {
    const part = Buffer.concat([libvirtHead({ magic: 'LibvirtQemudPart' }), STREAM]);
    expect(await examineInput(open(part), WHERE)).toMatchObject({
      container: { kind: 'libvirt-save', finished: false, xml: expect.stringContaining('guest') },
      flaw: { code: 'TRUNCATED', message: 'libvirt had not finished this save' },
      state: undefined,
    });
    expect(await rejectionOf(recogniseState(open(part), WHERE))).toMatchObject({ code: 'TRUNCATED' });
  });

  it.each([
    [2, 'bzip2'],
    [4, 'lzop'],
    [6, 'sparse'],
  ])('a libvirt save file of format %i cannot be read: %s', async (format, found) => {
    const bytes = Buffer.concat([libvirtHead({ format }), STREAM]);
    expect(await rejectionOf(recogniseState(open(bytes), WHERE))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      details: { where: WHERE, offset: libvirtHead().length, expected: 'raw, gzip, xz, zstd', found },
    });
  });

  it('a header that is damaged leaves nothing to show', async () => {
    expect(await rejectionOf(examineInput(open(XL_FILE.subarray(0, 40)), WHERE))).toMatchObject({ code: 'TRUNCATED' });
    expect(await rejectionOf(examineInput(open(libxlHead(0, 3)), WHERE))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    });
  });

  it('is closed through all that was put around it', async () => {
    for (const bytes of [
      XL_FILE,
      packed('xz', XL_FILE),
      Buffer.concat([libvirtHead({ format: 5 }), packed('zstd', STREAM)]),
    ]) {
      const source = open(bytes);
      const opened = await recogniseState(source, WHERE);
      if (opened.format !== 'transfer-disk') await opened.source.close();
      expect(source).toMatchObject({ closed: true });
    }
  });
});

describe('of two emulators', () => {
  it('the last context counts, as with libxl', async () => {
    const first = emulatorRecord('EMULATOR_CONTEXT', Buffer.from('QEVM of another emulator'), 'little', [1, 0]);
    const bytes = libxlStream(CONTEXT, 'little', first);
    expect((await stateIn(pipe(bytes))).equals(CONTEXT)).toBe(true);
    expect((await stateIn(file(bytes))).equals(CONTEXT)).toBe(true);
  });
});
