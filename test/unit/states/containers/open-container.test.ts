/** Tests how commands open containers: by their content, with the state in them or with their error. */
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

// The tests start many processes, and the machine may be busy.
jest.setTimeout(180_000);

const FIXTURES = fileURLToPath(new URL('../../../../fixtures/', import.meta.url));
const CONTEXT = readFileSync(`${FIXTURES}xen-states/xen-minimal.qevm`);
const STREAM = gunzipSync(readFileSync(`${FIXTURES}device-states/pc-minimal.description.qevm.gz`));

const compressed = (program: string, bytes: Uint8Array): Buffer => execFileSync(program, ['-cq'], { input: bytes });

/** A source in memory that is seekable like a regular file. */
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
      'a libvirt save file with a gzip stream',
      Buffer.concat([libvirtHead({ format: 1 }), gzipSync(STREAM)]),
      STREAM,
      'libvirt-save',
    ],
    [
      'a libvirt save file with an xz stream',
      Buffer.concat([libvirtHead({ format: 3 }), compressed('xz', STREAM)]),
      STREAM,
      'libvirt-save',
    ],
    [
      'a libvirt save file with a zstd stream',
      Buffer.concat([libvirtHead({ format: 5 }), compressed('zstd', STREAM)]),
      STREAM,
      'libvirt-save',
    ],
  ])('%s yields the state that it contains', async (__, bytes, state, kind) => {
    expect(await recogniseState(open(bytes), WHERE)).toMatchObject({ format: 'container', container: { kind } });
    expect((await stateIn(open(bytes))).equals(state)).toBe(true);
    for (const program of ['gzip', 'xz', 'zstd'])
      expect((await stateIn(open(compressed(program, bytes)))).equals(state)).toBe(true);
  });

  it('the state of an xl save file is read section by section', async () => {
    const examined = await examineInput(open(XL_FILE), WHERE);
    expect(examined).toMatchObject({
      flaw: undefined,
      state: { qevm: { bytes: 6674 }, offset: XL_FILE.indexOf('QEVM') },
    });
  });

  it('a save file of a PV guest has no emulator context, which is not an error', async () => {
    expect(await examineInput(open(PV_FILE), WHERE)).toMatchObject({
      format: 'container',
      flaw: undefined,
      state: undefined,
    });
    expect(await rejectionOf(recogniseState(open(PV_FILE), WHERE))).toMatchObject({
      code: 'NOT_IN_INPUT',
      message: 'the input contains no emulator context',
      details: { where: WHERE },
    });
  });

  it('a truncated file is summarised up to its end, and refused', async () => {
    const truncated = XL_FILE.subarray(0, -3);
    expect(await examineInput(open(truncated), WHERE)).toMatchObject({
      container: { libxl: { libxc: { ended: true }, ended: false } },
      flaw: { code: 'TRUNCATED', details: { offset: truncated.length } },
    });
    expect(await rejectionOf(recogniseState(open(truncated), WHERE))).toMatchObject({ code: 'TRUNCATED' });
  });

  it.each<[string, Buffer, object]>([
    ['of four bytes', CONTEXT.subarray(0, 4), { code: 'TRUNCATED', details: { offset: XL_FILE.indexOf('QEVM') + 4 } }],
    ['of three bytes', CONTEXT.subarray(0, 3), { code: 'TRUNCATED', message: 'the content is not a QEMU state' }],
    [
      'truncated within a section',
      CONTEXT.subarray(0, 3001),
      { code: 'TRUNCATED', message: 'the QEMU state does not end in its end mark' },
    ],
    [
      'truncated where it ends in 0x00',
      CONTEXT.subarray(0, 6673),
      { code: 'TRUNCATED', message: 'the QEMU state is truncated' },
    ],
    [
      'of other bytes',
      Buffer.from('no QEMU state'),
      { code: 'CORRUPT', message: 'the content is not a QEMU state', details: { found: '"no Q"' } },
    ],
    [
      'of another version',
      Buffer.from('QEVM\0\0\0\u0002\u0004\0', 'latin1'),
      { code: 'UNSUPPORTED_VERSION', details: { offset: XL_FILE.indexOf('QEVM') + 4 } },
    ],
  ])('an emulator context %s is an error', async (__, context, flaw) => {
    expect(await rejectionOf(recogniseState(open(xlSave(context)), WHERE))).toMatchObject(flaw);
    expect(await examineInput(open(xlSave(context)), WHERE)).toMatchObject({ flaw, state: undefined });
  });

  it('an unfinished libvirt save file is summarised and refused', async () => {
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

  it('a damaged header is refused without a summary', async () => {
    expect(await rejectionOf(examineInput(open(XL_FILE.subarray(0, 40)), WHERE))).toMatchObject({ code: 'TRUNCATED' });
    expect(await rejectionOf(examineInput(open(libxlHead(0, 3)), WHERE))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    });
  });

  it('closing the opened state closes the source', async () => {
    for (const bytes of [
      XL_FILE,
      compressed('xz', XL_FILE),
      Buffer.concat([libvirtHead({ format: 5 }), compressed('zstd', STREAM)]),
    ]) {
      const source = open(bytes);
      const opened = await recogniseState(source, WHERE);
      if (opened.format !== 'transfer-disk') await opened.source.close();
      expect(source).toMatchObject({ closed: true });
    }
  });
});

describe('a stream with two emulators', () => {
  it('yields the last context, as libxl does', async () => {
    const first = emulatorRecord('EMULATOR_CONTEXT', Buffer.from('QEVM of another emulator'), 'little', [1, 0]);
    const bytes = libxlStream(CONTEXT, 'little', first);
    expect((await stateIn(pipe(bytes))).equals(CONTEXT)).toBe(true);
    expect((await stateIn(file(bytes))).equals(CONTEXT)).toBe(true);
  });
});
