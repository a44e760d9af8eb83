import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Cursor, PullParser } from '../../../../../src/formats/pull-parser/index.js';
import { XlSaveReader, type XlSaveSummary } from '../../../../../src/formats/xen/xl-save/index.js';
import { libxcStream, PV } from '../../../../support/libxc-stream/libxc-bytes.js';
import { libxlHead, libxlRecord, libxlStream } from '../../../../support/libxl-stream/libxl-bytes.js';
import { u32 } from '../../../../support/pull-parser/numbers.js';
import { parsed, refusalOf } from '../../../../support/pull-parser/parsed.js';
import { CONFIG, configData, MAGIC, XL, xlHead, xlSave } from '../../../../support/xl-save/xl-bytes.js';

const CONTEXT = Buffer.from('QEVM and what QEMU wrote');
const FIXTURES = fileURLToPath(new URL('../../../../../fixtures/', import.meta.url));

function* read(cursor: Cursor): PullParser<XlSaveSummary> {
  const reader = new XlSaveReader(cursor);
  yield* reader.parse();
  if (reader.summary === undefined) throw new Error('no summary of a whole file');
  return reader.summary;
}

const readXl = (bytes: Uint8Array): XlSaveSummary => parsed(bytes, read).result;
const xlRefusal = (bytes: Uint8Array) => refusalOf(bytes, read);
const pvStream = Buffer.concat([libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcStream(PV), libxlRecord('END')]);

describe('an xl save file', () => {
  it('is parsed to its end', () => {
    expect(readXl(xlSave(CONTEXT))).toMatchObject({
      ...{ kind: 'xl-save', byteOrder: 'little', mandatoryFlags: 3, optionalFlags: 0 },
      config: { format: 'json', text: CONFIG, offset: 52, length: CONFIG.length + 1 },
      libxl: { offset: 52 + CONFIG.length + 1, ended: true, emulatorContext: { length: CONTEXT.length } },
    });
  });

  it('can have any JSON config, in both byte orders', () => {
    fc.assert(
      fc.property(fc.constantFrom('little' as const, 'big' as const), fc.json(), (order, json) => {
        const file = Buffer.concat([xlHead({ ...XL, order }, configData(json, order)), libxlStream(CONTEXT, order)]);
        expect(readXl(file)).toMatchObject({ byteOrder: order, config: { format: 'json', text: json } });
      }),
    );
  });

  it('may have no config, a config in xl format, and optional data after the config', () => {
    const none = Buffer.concat([xlHead(XL, Buffer.alloc(0)), libxlStream(CONTEXT)]);
    expect(readXl(none)).toMatchObject({ config: undefined, libxl: { ended: true } });
    const old = Buffer.concat([
      xlHead({ ...XL, mandatory: 2 }, Buffer.concat([u32(3, 'little'), Buffer.from('a=1')])),
      libxlStream(CONTEXT),
    ]);
    expect(readXl(old)).toMatchObject({ config: { format: 'xl', text: 'a=1', length: 3 } });
    const more = Buffer.concat([
      xlHead(XL, Buffer.concat([configData(CONFIG), Buffer.from('more')])),
      libxlStream(CONTEXT),
    ]);
    expect(readXl(more)).toMatchObject({ config: { text: CONFIG }, libxl: { ended: true } });
  });

  it.each(['pv', 'pvh'])('of a %s guest needs no emulator context', (type) => {
    const file = Buffer.concat([xlHead(XL, configData(`{"c_info":{"type":"${type}"}}`)), pvStream]);
    expect(readXl(file).libxl?.emulatorContext).toBeUndefined();
  });

  it.each<[string, Buffer, object]>([
    [
      'its magic is damaged',
      Buffer.concat([Buffer.alloc(1), xlSave(CONTEXT).subarray(1)]),
      { code: 'CORRUPT', details: { offset: 0 } },
    ],
    [
      'its byte order mark is invalid',
      Buffer.concat([MAGIC, u32(0x01020305, 'little'), Buffer.alloc(12)]),
      { code: 'CORRUPT', details: { offset: 32, expected: '0x01020304', found: '0x01020305' } },
    ],
    [
      'a mandatory flag is unknown',
      xlHead({ ...XL, mandatory: 7 }),
      { code: 'UNSUPPORTED_VERSION', details: { offset: 36, expected: 'bits 0 and 1 at most', found: '0x00000007' } },
    ],
    [
      'it contains a legacy stream',
      xlHead({ ...XL, mandatory: 1 }),
      {
        code: 'UNSUPPORTED_VERSION',
        message: 'the xl save file holds a stream of Xen 4.5 or older',
        details: { offset: 36 },
      },
    ],
    [
      'its config is larger than 4 MiB, before the config is read',
      Buffer.concat([MAGIC, u32(0x01020304, 'little'), u32(3, 'little'), u32(0, 'little'), u32(0x0040_0001, 'little')]),
      { code: 'LIMIT_EXCEEDED', details: { offset: 44, expected: 'at most 4194304 bytes', found: '4194305' } },
    ],
    [
      'its config is longer than its optional data',
      xlHead(XL, Buffer.concat([u32(9, 'little'), Buffer.alloc(8)])),
      { code: 'CORRUPT', details: { offset: 48, expected: 'at most 8 bytes', found: '9 bytes' } },
    ],
    [
      'its optional data has no room for a length',
      xlHead(XL, Buffer.alloc(3)),
      { code: 'CORRUPT', details: { offset: 48 } },
    ],
    [
      'its config is declared as JSON, but is not JSON',
      Buffer.concat([xlHead(XL, configData('name="guest"')), libxlStream(CONTEXT)]),
      { code: 'CORRUPT', details: { offset: 52, expected: 'JSON of libxl_domain_config' } },
    ],
    [
      'its config is not valid UTF-8',
      Buffer.concat([xlHead(XL, Buffer.concat([u32(2, 'little'), Buffer.of(0xff, 0)])), libxlStream(CONTEXT)]),
      { code: 'CORRUPT', message: 'a text is not valid UTF-8', details: { offset: 52 } },
    ],
    [
      'it is the file of an HVM guest, but has no emulator context',
      Buffer.concat([
        xlHead(),
        Buffer.concat([libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcStream(), libxlRecord('END')]),
      ]),
      { code: 'CORRUPT', message: 'the xl save file has no emulator context' },
    ],
    [
      'data follows its end',
      Buffer.concat([xlSave(CONTEXT), Buffer.alloc(1)]),
      {
        code: 'CORRUPT',
        message: 'unexpected data after the end of the xl save file',
        details: { offset: xlSave(CONTEXT).length },
      },
    ],
    [
      'it contains no libxl stream',
      Buffer.concat([xlHead(), Buffer.alloc(64)]),
      { code: 'CORRUPT', details: { offset: 48 + 4 + CONFIG.length + 1 } },
    ],
  ])('is rejected when %s', (_, bytes, expected) => {
    expect(xlRefusal(bytes)).toMatchObject(expected);
  });

  it('is rejected at the byte where it ends when it is truncated', () => {
    const file = xlSave(CONTEXT);
    for (let length = 0; length < file.length; length += length < 200 || length > file.length - 100 ? 1 : 89) {
      expect(xlRefusal(file.subarray(0, length))).toMatchObject({ code: 'TRUNCATED', details: { offset: length } });
    }
  });
});

describe('the save file that xl 4.17 wrote', () => {
  const file = execFileSync('xz', ['-dc', `${FIXTURES}xl-save/xen-minimal.xlsave.xz`], { maxBuffer: 32 << 20 });
  const captured = readFileSync(`${FIXTURES}xen-states/xen-minimal.qevm`);

  it('has its libxc records counted, and contains the device state that was captured separately', () => {
    const { result, states } = parsed(file, read);
    expect(result).toMatchObject({
      ...{ byteOrder: 'little', mandatoryFlags: 3, optionalFlags: 0, config: { format: 'json', length: 1655 } },
      libxl: {
        records: { LIBXC_CONTEXT: 1, EMULATOR_CONTEXT: 1, END: 1 },
        libxc: {
          ...{ version: 3, guest: 'x86 HVM', xen: { major: 4, minor: 17 }, ended: true },
          records: {
            ...{ X86_CPUID_POLICY: 1, X86_MSR_POLICY: 1, STATIC_DATA_END: 1, PAGE_DATA: 1020 },
            ...{ X86_TSC_INFO: 1, HVM_CONTEXT: 1, HVM_PARAMS: 1, END: 1 },
          },
          pages: { described: 1_044_480, withData: 2044 },
        },
        emulatorContext: { emulator: 'qemu-xen', index: 0, recordOffset: 16_751_803, offset: 16_751_819, length: 6674 },
        ended: true,
      },
    });
    expect(states.map((state) => Buffer.from(state).equals(captured))).toEqual([true]);
  });
});
