import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  HVM,
  hvmRecords,
  libxcHead,
  libxcRecord,
  libxcStream,
  PV,
} from '../../../../support/libxc-stream/libxc-bytes.js';
import {
  emulatorRecord,
  libxlHead,
  libxlRecord,
  libxlStream,
  xenstoreData,
} from '../../../../support/libxl-stream/libxl-bytes.js';
import { libxlRefusal, readLibxl } from '../../../../support/libxl-stream/read-libxl.js';
import { record, u32 } from '../../../../support/pull-parser/numbers.js';

const CONTEXT = Buffer.from('QEVM and what QEMU wrote');
const HEAD = 16;
/** The offset of the record after the libxc stream. */
const AFTER_LIBXC = HEAD + 8 + libxcStream().length;

const orders = fc.constantFrom('little' as const, 'big' as const);

describe('a libxl stream', () => {
  it('is parsed up to END, including its libxc stream', () => {
    const stream = libxlStream(CONTEXT);
    const { result, states } = readLibxl(stream);
    expect(result).toMatchObject({
      ...{ offset: 0, version: 2, byteOrder: 'little', fromLegacy: false, bytes: stream.length, ended: true },
      records: { LIBXC_CONTEXT: 1, EMULATOR_CONTEXT: 1, END: 1 },
      libxc: { offset: HEAD + 8, guest: 'x86 HVM', ended: true },
      emulatorContext: {
        ...{ emulator: 'qemu-xen', index: 0 },
        ...{ recordOffset: AFTER_LIBXC, offset: AFTER_LIBXC + 16, length: CONTEXT.length },
      },
    });
    expect(states.map((state) => Buffer.from(state).toString())).toEqual([CONTEXT.toString()]);
  });

  it('can have an emulator context of any length, in both byte orders', () => {
    fc.assert(
      fc.property(orders, fc.uint8Array({ minLength: 1, maxLength: 100 }), (order, context) => {
        const { result, states } = readLibxl(libxlStream(context, order));
        expect(result).toMatchObject({ byteOrder: order, emulatorContext: { length: context.length } });
        expect(states.map((state) => Buffer.from(state))).toEqual([Buffer.from(context)]);
      }),
    );
  });

  it('can have any xenstore data of the emulator', () => {
    const keys = fc.stringMatching(/^[A-Za-z0-9/_@-]{1,30}$/);
    const values = fc.stringMatching(/^[ -~]{0,30}$/);
    fc.assert(
      fc.property(orders, fc.array(fc.tuple(keys, values), { maxLength: 5 }), (order, entries) => {
        const data = emulatorRecord('EMULATOR_XENSTORE_DATA', xenstoreData(entries), order);
        const { xenstore } = readLibxl(libxlStream(CONTEXT, order, data)).result;
        expect(xenstore?.entries).toEqual(entries.map(([key, value]) => ({ key, value })));
      }),
    );
  });

  it('of a PV guest has no emulator', () => {
    const stream = Buffer.concat([libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcStream(PV), libxlRecord('END')]);
    expect(readLibxl(stream).result).toMatchObject({ emulatorContext: undefined, ended: true });
  });

  it('may be converted from a legacy stream and have an unknown emulator', () => {
    const legacy = Buffer.concat([
      ...[libxlHead(2), libxlRecord('LIBXC_CONTEXT'), libxcStream()],
      ...[emulatorRecord('EMULATOR_CONTEXT', CONTEXT, 'little', [0, 0]), libxlRecord('END')],
    ]);
    expect(readLibxl(legacy).result).toMatchObject({ fromLegacy: true, emulatorContext: { emulator: 'unknown' } });
  });

  it('may have optional records of unknown types', () => {
    const optional = record(0x8000_0001, Buffer.alloc(3), 'little');
    expect(readLibxl(libxlStream(CONTEXT, 'little', optional)).result.records.OPTIONAL).toBe(1);
  });

  it('with checkpoints alternates with libxc, and its summary has the last emulator context', () => {
    const [static1, static2, static3, ...live] = hvmRecords();
    const checkpoint = [...live.slice(0, -1), libxcRecord('CHECKPOINT')];
    const stream = Buffer.concat([
      ...[libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcHead(HVM)],
      ...[static1, static2, static3, ...checkpoint].filter((bytes) => bytes !== undefined),
      ...[emulatorRecord('EMULATOR_CONTEXT', Buffer.from('first')), libxlRecord('CHECKPOINT_END')],
      ...checkpoint,
      ...[emulatorRecord('EMULATOR_CONTEXT', Buffer.from('second')), libxlRecord('CHECKPOINT_END')],
      ...live,
      libxlRecord('END'),
    ]);
    const { result, states } = readLibxl(stream);
    expect(result).toMatchObject({
      records: { LIBXC_CONTEXT: 1, EMULATOR_CONTEXT: 2, CHECKPOINT_END: 2, END: 1 },
      libxc: { records: { CHECKPOINT: 2, END: 1 } },
      emulatorContext: { length: 'second'.length },
    });
    expect(states.map((state) => Buffer.from(state).toString())).toEqual(['first', 'second']);
  });
});

describe('a libxl stream is rejected', () => {
  const context = emulatorRecord('EMULATOR_CONTEXT', CONTEXT);
  const end = libxlRecord('END');
  /** Returns a stream with these records after the libxc stream. */
  const withRecords = (...records: Buffer[]): Buffer =>
    Buffer.concat([libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcStream(), ...records]);
  const CORRUPT = 'CORRUPT';

  it.each<[string, Buffer, object]>([
    ['for a wrong magic', Buffer.alloc(40), { code: CORRUPT, details: { offset: 0, expected: '"LibxlFmt"' } }],
    [
      'of version 3',
      libxlHead(0, 3),
      { code: 'UNSUPPORTED_VERSION', details: { offset: 8, expected: '2', found: '3' } },
    ],
    ['for unknown options', libxlHead(4), { code: CORRUPT, details: { offset: 12, found: '0x00000004' } }],
    [
      'for a mandatory record of an unknown type',
      withRecords(record(6, Buffer.alloc(8), 'little')),
      { code: 'UNKNOWN_RECORD', details: { offset: AFTER_LIBXC, expected: 'types 0 to 5', found: '0x00000006' } },
    ],
    [
      'for an END that has a body',
      withRecords(libxlRecord('END', Buffer.alloc(8))),
      { code: CORRUPT, details: { offset: AFTER_LIBXC + 4, expected: '0 bytes', found: '8 bytes' } },
    ],
    [
      'for an END without a libxc stream',
      Buffer.concat([libxlHead(), end]),
      {
        code: CORRUPT,
        message: 'a libxl record is out of order',
        details: { offset: HEAD, expected: 'LIBXC_CONTEXT', found: 'END' },
      },
    ],
    [
      'for a second libxc stream',
      withRecords(libxlRecord('LIBXC_CONTEXT')),
      { code: CORRUPT, details: { offset: AFTER_LIBXC, found: 'a second LIBXC_CONTEXT' } },
    ],
    [
      'for an emulator record before the libxc stream',
      Buffer.concat([libxlHead(), context]),
      { code: CORRUPT, details: { found: 'EMULATOR_CONTEXT' } },
    ],
    [
      'for an emulator record of a PV guest',
      Buffer.concat([libxlHead(), libxlRecord('LIBXC_CONTEXT'), libxcStream(PV), context]),
      {
        code: CORRUPT,
        details: { expected: 'records of an x86 PV guest, after its libxc stream', found: 'EMULATOR_CONTEXT' },
      },
    ],
    [
      'for a second context of the same emulator',
      withRecords(context, context, end),
      {
        code: CORRUPT,
        details: { offset: AFTER_LIBXC + context.length, found: 'a second EMULATOR_CONTEXT of the same emulator' },
      },
    ],
    [
      'for an empty emulator context',
      withRecords(emulatorRecord('EMULATOR_CONTEXT', Buffer.alloc(0)), end),
      { code: CORRUPT, message: 'the emulator context is empty', details: { offset: AFTER_LIBXC + 16 } },
    ],
    [
      'for an emulator record that is shorter than its header',
      withRecords(libxlRecord('EMULATOR_CONTEXT', Buffer.alloc(7)), end),
      { code: CORRUPT, details: { offset: AFTER_LIBXC + 4, expected: 'at least 8 bytes', found: '7 bytes' } },
    ],
    [
      'for an unknown emulator',
      withRecords(emulatorRecord('EMULATOR_CONTEXT', CONTEXT, 'little', [3, 0]), end),
      { code: CORRUPT, details: { offset: AFTER_LIBXC + 8, expected: '0 to 2', found: '3' } },
    ],
    [
      'for a CHECKPOINT_END without a checkpoint',
      withRecords(libxlRecord('CHECKPOINT_END')),
      { code: CORRUPT, details: { offset: AFTER_LIBXC, found: 'CHECKPOINT_END' } },
    ],
    [
      'for a checkpoint without CHECKPOINT_END',
      Buffer.concat([
        ...[libxlHead(), libxlRecord('LIBXC_CONTEXT')],
        ...[libxcStream(HVM, [...hvmRecords().slice(0, -1), libxcRecord('CHECKPOINT')]), context, end],
      ]),
      { code: CORRUPT, details: { expected: 'CHECKPOINT_END', found: 'END' } },
    ],
    [
      'for a CHECKPOINT_STATE of the wrong length',
      withRecords(libxlRecord('CHECKPOINT_STATE', Buffer.alloc(4))),
      { code: CORRUPT, details: { expected: '8 bytes', found: '4 bytes' } },
    ],
    [
      'for xenstore data without a NUL at its end',
      withRecords(emulatorRecord('EMULATOR_XENSTORE_DATA', Buffer.from('key\0value')), end),
      { code: CORRUPT, details: { offset: AFTER_LIBXC + 16, found: '1 strings in 9 bytes' } },
    ],
    [
      'for a key without a value',
      withRecords(emulatorRecord('EMULATOR_XENSTORE_DATA', Buffer.from('key\0')), end),
      { code: CORRUPT, details: { offset: AFTER_LIBXC + 16, expected: 'pairs of strings, each terminated by a NUL' } },
    ],
    [
      'for a key that xenstore does not allow, which is reported escaped',
      withRecords(emulatorRecord('EMULATOR_XENSTORE_DATA', Buffer.from('k\u001b[2J\0v\0')), end),
      { code: CORRUPT, details: { found: '"k\\\\u{1b}[2J"' } },
    ],
    [
      'for xenstore data of more than 1 MiB, before the data is read',
      withRecords(Buffer.concat([u32(2, 'little'), u32(0x0010_0009, 'little'), Buffer.alloc(8, 0)])),
      {
        code: 'LIMIT_EXCEEDED',
        details: { offset: AFTER_LIBXC + 4, expected: 'at most 1048576 bytes', found: '1048577 bytes' },
      },
    ],
  ])('%s', (_, bytes, expected) => {
    expect(libxlRefusal(bytes)).toMatchObject(expected);
  });

  it('at the byte where it ends when it is truncated', () => {
    const stream = libxlStream(CONTEXT, 'little', emulatorRecord('EMULATOR_XENSTORE_DATA', xenstoreData([['a', 'b']])));
    for (let length = 0; length < stream.length; length += length > AFTER_LIBXC || length < 100 ? 1 : 97) {
      expect(libxlRefusal(stream.subarray(0, length))).toMatchObject({
        code: 'TRUNCATED',
        details: { offset: length },
      });
    }
  });
});
