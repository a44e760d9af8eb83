/** What is refused of a libxc stream, each with the first bad offset and what was expected there. */
import { describe, expect, it } from '@jest/globals';
import {
  HVM,
  hvmRecords,
  libxcRecord,
  libxcStream,
  PV,
  pageData,
  pvRecords,
  type TypeName,
} from '../../../../support/libxc-stream/libxc-bytes.js';
import { libxcRefusal, readLibxc } from '../../../../support/libxc-stream/read-libxc.js';
import { record, u32, u64 } from '../../../../support/pull-parser/numbers.js';
import { WHERE } from '../../../../support/pull-parser/parsed.js';

const HEAD = 40;
const ORDER = 'little';

/** A stream with these bytes changed. */
function changed(bytes: Buffer, offset: number, ...values: number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, offset);
  return copy;
}

/** An HVM stream whose first record is this one. */
const withFirst = (...first: Buffer[]): Buffer => libxcStream(HVM, [...first, ...hvmRecords()]);

/** A stream in which this takes the place of the records of that name. */
function withInstead(name: TypeName, ...instead: Buffer[]): { stream: Buffer; at: number } {
  const records = hvmRecords();
  const types = [
    'X86_CPUID_POLICY',
    'X86_MSR_POLICY',
    'STATIC_DATA_END',
    'PAGE_DATA',
    'X86_TSC_INFO',
    'HVM_CONTEXT',
    'HVM_PARAMS',
    'END',
  ];
  const cursor = types.indexOf(name);
  const at = HEAD + records.slice(0, cursor).reduce((sum, { length }) => sum + length, 0);
  records.splice(cursor, 1, ...instead);
  return { stream: libxcStream(HVM, records), at };
}

describe('the headers', () => {
  const stream = libxcStream();

  it.each<[string, Buffer, object]>([
    ['a marker that is none', changed(stream, 0, 0), { code: 'CORRUPT', details: { offset: 0 } }],
    [
      'another id',
      changed(stream, 8, 0x59),
      { code: 'CORRUPT', details: { offset: 8, expected: 'eight bytes of 0xff and "XENF"' } },
    ],
    [
      'version 1',
      changed(stream, 15, 1),
      { code: 'UNSUPPORTED_VERSION', details: { offset: 12, expected: '2 or 3', found: '1' } },
    ],
    ['version 4', changed(stream, 15, 4), { code: 'UNSUPPORTED_VERSION', details: { offset: 12, found: '4' } }],
    ['options that are not known', changed(stream, 17, 2), { code: 'CORRUPT', details: { offset: 16 } }],
    ['reserved bits of the image header', changed(stream, 23, 1), { code: 'CORRUPT', details: { offset: 16 } }],
    [
      'a type of guest that does not exist',
      changed(stream, 24, 3),
      { code: 'CORRUPT', details: { offset: 24, expected: '1 (x86 PV) or 2 (x86 HVM)', found: '3' } },
    ],
    [
      'pages of 2 MiB',
      changed(stream, 28, 21),
      { code: 'CORRUPT', details: { offset: 28, expected: 'a page shift of 12', found: '21' } },
    ],
    ['reserved bits of the domain header', changed(stream, 30, 1), { code: 'CORRUPT', details: { offset: 30 } }],
  ])('are refused for %s', (_, bytes, expected) => {
    const error = libxcRefusal(bytes);
    expect(error).toMatchObject(expected);
    expect(error.details.where).toBe(WHERE);
  });
});

describe('a record', () => {
  it.each<[string, Buffer, object]>([
    [
      'of a mandatory type that is not known',
      withFirst(record(0x13, Buffer.alloc(8), ORDER)),
      { code: 'UNKNOWN_RECORD', details: { offset: HEAD, expected: 'types 0x00 to 0x12', found: '0x00000013' } },
    ],
    [
      'longer than Xen allows, before any of it is read',
      withFirst(Buffer.concat([u32(1, ORDER), u32(0x0800_0001, ORDER)])),
      {
        code: 'LIMIT_EXCEEDED',
        details: { offset: HEAD + 4, expected: 'at most 134217728 bytes', found: '134217729 bytes' },
      },
    ],
    [
      'whose padding is not zero',
      withFirst(changed(record(0x8000_0000, Buffer.alloc(5), ORDER), 15, 0xaa)),
      {
        code: 'CORRUPT',
        message: 'the padding of a libxc record is not zero',
        details: { offset: HEAD + 15, expected: '3 zeros', found: '0xaa' },
      },
    ],
    [
      'of a PV guest in an HVM stream',
      withFirst(libxcRecord('SHARED_INFO', Buffer.alloc(4096))),
      {
        code: 'CORRUPT',
        details: { offset: HEAD, expected: 'records of an x86 HVM guest', found: 'one of an x86 PV guest' },
      },
    ],
    [
      'that only a secondary sends',
      withFirst(libxcRecord('CHECKPOINT_DIRTY_PFN_LIST', Buffer.alloc(8))),
      { code: 'CORRUPT', details: { offset: HEAD, found: 'CHECKPOINT_DIRTY_PFN_LIST' } },
    ],
    [
      'STATIC_DATA_END a second time',
      withInstead('X86_TSC_INFO', libxcRecord('STATIC_DATA_END')).stream,
      { code: 'CORRUPT', message: 'the libxc stream has a second STATIC_DATA_END record' },
    ],
    [
      'of pages before the static data',
      withFirst(pageData([{ type: 0, pfn: 1n }])),
      {
        code: 'CORRUPT',
        message: 'the libxc stream has no STATIC_DATA_END record before PAGE_DATA',
        details: { offset: HEAD },
      },
    ],
    [
      'of version 3 in a stream of version 2',
      libxcStream({ ...HVM, version: 2 }),
      { code: 'CORRUPT', details: { offset: HEAD, expected: 'version 3', found: 'version 2' } },
    ],
    [
      'END without an HVM context',
      withInstead('HVM_CONTEXT').stream,
      { code: 'CORRUPT', message: 'the libxc stream has no HVM_CONTEXT record before END' },
    ],
    [
      'END without what says how wide a PV guest is',
      libxcStream(PV, [libxcRecord('STATIC_DATA_END'), libxcRecord('END')]),
      { code: 'CORRUPT', message: 'the libxc stream has no X86_PV_INFO record before END' },
    ],
    [
      'of P2M frames before what says how wide the guest is',
      libxcStream(PV, pvRecords().slice(1)),
      { code: 'CORRUPT', details: { expected: 'an X86_PV_INFO record before it', found: 'none' } },
    ],
  ])('is refused: %s', (_, bytes, expected) => {
    expect(libxcRefusal(bytes)).toMatchObject(expected);
  });

  it.each<[TypeName, number, string]>([
    ['END', 8, '0 bytes'],
    ['X86_TSC_INFO', 16, '24 bytes'],
    ['X86_CPUID_POLICY', 25, 'at least 24 bytes, and a multiple of 24'],
    ['X86_MSR_POLICY', 0, 'at least 16 bytes, and a multiple of 16'],
    ['HVM_CONTEXT', 0, 'at least 1 bytes'],
    ['HVM_PARAMS', 7, 'at least 8 bytes, and a multiple of 8'],
    ['STATIC_DATA_END', 1, '0 bytes'],
  ])('%s of %i bytes is refused for its length', (name, length, expected) => {
    const { stream, at } = withInstead(name, libxcRecord(name, Buffer.alloc(length)));
    expect(libxcRefusal(stream)).toMatchObject({
      code: 'CORRUPT',
      message: `a ${name} record of a wrong length`,
      details: { offset: at + 4, expected, found: `${length} bytes` },
    });
  });

  it('HVM_PARAMS is refused when its count does not fit its length', () => {
    const body = Buffer.concat([u32(3, ORDER), u32(0, ORDER), Buffer.alloc(32)]);
    const { stream, at } = withInstead('HVM_PARAMS', libxcRecord('HVM_PARAMS', body));
    expect(libxcRefusal(stream)).toMatchObject({
      code: 'CORRUPT',
      details: { offset: at + 4, expected: '56 bytes for 3 parameters', found: '40 bytes' },
    });
  });

  it('is refused for reserved bits, where they are', () => {
    const { stream, at } = withInstead('X86_TSC_INFO', libxcRecord('X86_TSC_INFO', changed(Buffer.alloc(24), 21, 1)));
    expect(libxcRefusal(stream)).toMatchObject({
      code: 'CORRUPT',
      message: 'reserved bits are set in the X86_TSC_INFO record',
      details: { offset: at + 8 + 20 },
    });
  });

  it.each([
    [[5, 4], 'a width of 5 and 4 levels'],
    [[8, 2], 'a width of 8 and 2 levels'],
  ])('X86_PV_INFO of %j is refused', (values, found) => {
    const [, ...rest] = pvRecords();
    const info = libxcRecord('X86_PV_INFO', changed(Buffer.alloc(8), 0, ...values));
    expect(libxcRefusal(libxcStream(PV, [info, ...rest]))).toMatchObject({
      code: 'CORRUPT',
      details: { offset: HEAD, found },
    });
  });

  it('X86_PV_P2M_FRAMES is refused when it has not the frames of its range', () => {
    const records = pvRecords();
    records[2] = libxcRecord('X86_PV_P2M_FRAMES', Buffer.concat([u32(0, ORDER), u32(1024, ORDER), Buffer.alloc(16)]));
    expect(libxcRefusal(libxcStream(PV, records))).toMatchObject({
      details: { expected: '32 bytes', found: '24 bytes' },
    });
    records[2] = libxcRecord('X86_PV_P2M_FRAMES', Buffer.concat([u32(9, ORDER), u32(8, ORDER), Buffer.alloc(16)]));
    expect(libxcRefusal(libxcStream(PV, records))).toMatchObject({ details: { found: '9 and 8' } });
  });
});

describe('a PAGE_DATA record', () => {
  const body = (count: number, frames: readonly bigint[], pages: number, reserved = 0): Buffer => {
    const numbers = frames.map((frame) => u64(frame, ORDER));
    return libxcRecord(
      'PAGE_DATA',
      Buffer.concat([u32(count, ORDER), u32(reserved, ORDER), ...numbers, Buffer.alloc(pages * 4096)]),
    );
  };

  it.each<[string, Buffer, number, object]>([
    [
      'shorter than its head',
      libxcRecord('PAGE_DATA', Buffer.alloc(7)),
      4,
      { expected: 'at least 8 bytes', found: '7 bytes' },
    ],
    ['without page frames', body(0, [], 0), 8, { expected: 'a count of at least 1', found: '0' }],
    ['with reserved bits in its head', body(1, [0n], 1, 1), 12, {}],
    ['too short for its page frames', body(3, [0n], 0), 4, { expected: 'at least 32 bytes for 3 page frames' }],
    [
      'without the contents of a page',
      body(2, [0n, 1n], 1),
      4,
      { expected: '8216 bytes for 2 page frames, 2 of them with contents' },
    ],
    [
      'with the contents of a hole',
      body(1, [0xfn << 60n], 1),
      4,
      { expected: '16 bytes for 1 page frames, 0 of them with contents' },
    ],
    ['of a type that does not exist', body(2, [0n, 5n << 60n], 1), 24, { found: '0x5000000000000000' }],
    ['of a pinned page that is no page table', body(1, [8n << 60n], 1), 16, { found: '0x8000000000000000' }],
    ['with reserved bits in a page frame', body(1, [1n << 52n], 1), 16, { found: '0x0010000000000000' }],
  ])('%s is refused', (_, page, offset, details) => {
    const { stream, at } = withInstead('PAGE_DATA', page);
    expect(libxcRefusal(stream)).toMatchObject({ code: 'CORRUPT', details: { ...details, offset: at + offset } });
  });
});

describe('a stream that is cut', () => {
  it.each([
    ['HVM', HVM],
    ['PV', PV],
  ] as const)('is refused at each length, at the byte where it ends: %s', (_, head) => {
    const stream = libxcStream(head);
    expect(readLibxc(stream).ended).toBe(true);
    for (let length = 0; length < stream.length; length += length % 4096 < 300 ? 1 : 61) {
      const error = libxcRefusal(stream.subarray(0, length));
      expect(error).toMatchObject({ code: 'TRUNCATED', details: { where: WHERE, offset: length } });
    }
  });
});
