/** Invalid libxc streams. Each is rejected with the offset of the first error and with what was expected there. */
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

/** Returns a copy of `bytes` with `values` at `offset`. */
function changed(bytes: Buffer, offset: number, ...values: number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, offset);
  return copy;
}

/** Returns an HVM stream that starts with these records. */
const withFirst = (...first: Buffer[]): Buffer => libxcStream(HVM, [...first, ...hvmRecords()]);

/** Returns a stream in which `replacement` replaces the record of that name, and the offset of the replacement. */
function withReplaced(name: TypeName, ...replacement: Buffer[]): { stream: Buffer; at: number } {
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
  const index = types.indexOf(name);
  const at = HEAD + records.slice(0, index).reduce((sum, { length }) => sum + length, 0);
  records.splice(index, 1, ...replacement);
  return { stream: libxcStream(HVM, records), at };
}

describe('the headers', () => {
  const stream = libxcStream();

  it.each<[string, Buffer, object]>([
    ['a wrong marker', changed(stream, 0, 0), { code: 'CORRUPT', details: { offset: 0 } }],
    [
      'a wrong id',
      changed(stream, 8, 0x59),
      { code: 'CORRUPT', details: { offset: 8, expected: 'eight bytes of 0xff and "XENF"' } },
    ],
    [
      'version 1',
      changed(stream, 15, 1),
      { code: 'UNSUPPORTED_VERSION', details: { offset: 12, expected: '2 or 3', found: '1' } },
    ],
    ['version 4', changed(stream, 15, 4), { code: 'UNSUPPORTED_VERSION', details: { offset: 12, found: '4' } }],
    ['unknown options', changed(stream, 17, 2), { code: 'CORRUPT', details: { offset: 16 } }],
    ['reserved bits in the image header', changed(stream, 23, 1), { code: 'CORRUPT', details: { offset: 16 } }],
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
    ['reserved bits in the domain header', changed(stream, 30, 1), { code: 'CORRUPT', details: { offset: 30 } }],
  ])('are rejected for %s', (_, bytes, expected) => {
    const error = libxcRefusal(bytes);
    expect(error).toMatchObject(expected);
    expect(error.details.where).toBe(WHERE);
  });
});

describe('a record', () => {
  it.each<[string, Buffer, object]>([
    [
      'of an unknown mandatory type',
      withFirst(record(0x13, Buffer.alloc(8), ORDER)),
      { code: 'UNKNOWN_RECORD', details: { offset: HEAD, expected: 'types 0x00 to 0x12', found: '0x00000013' } },
    ],
    [
      'longer than Xen allows, before its body is read',
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
        details: { offset: HEAD, expected: 'records of an x86 HVM guest', found: 'a record of an x86 PV guest' },
      },
    ],
    [
      'of a type that only a secondary sends',
      withFirst(libxcRecord('CHECKPOINT_DIRTY_PFN_LIST', Buffer.alloc(8))),
      { code: 'CORRUPT', details: { offset: HEAD, found: 'CHECKPOINT_DIRTY_PFN_LIST' } },
    ],
    [
      'a second STATIC_DATA_END',
      withReplaced('X86_TSC_INFO', libxcRecord('STATIC_DATA_END')).stream,
      { code: 'CORRUPT', message: 'the libxc stream has a second STATIC_DATA_END record' },
    ],
    [
      'PAGE_DATA before the static data',
      withFirst(pageData([{ type: 0, pfn: 1n }])),
      {
        code: 'CORRUPT',
        message: 'the libxc stream has no STATIC_DATA_END record before PAGE_DATA',
        details: { offset: HEAD },
      },
    ],
    [
      'of format version 3 in a stream of version 2',
      libxcStream({ ...HVM, version: 2 }),
      { code: 'CORRUPT', details: { offset: HEAD, expected: 'version 3', found: 'version 2' } },
    ],
    [
      'END without an HVM context',
      withReplaced('HVM_CONTEXT').stream,
      { code: 'CORRUPT', message: 'the libxc stream has no HVM_CONTEXT record before END' },
    ],
    [
      'END of a PV guest without X86_PV_INFO',
      libxcStream(PV, [libxcRecord('STATIC_DATA_END'), libxcRecord('END')]),
      { code: 'CORRUPT', message: 'the libxc stream has no X86_PV_INFO record before END' },
    ],
    [
      'X86_PV_P2M_FRAMES before X86_PV_INFO',
      libxcStream(PV, pvRecords().slice(1)),
      { code: 'CORRUPT', details: { expected: 'an X86_PV_INFO record before it', found: 'none' } },
    ],
  ])('is rejected: %s', (_, bytes, expected) => {
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
  ])('%s of %i bytes is rejected for its length', (name, length, expected) => {
    const { stream, at } = withReplaced(name, libxcRecord(name, Buffer.alloc(length)));
    expect(libxcRefusal(stream)).toMatchObject({
      code: 'CORRUPT',
      message: `a ${name} record has the wrong length`,
      details: { offset: at + 4, expected, found: `${length} bytes` },
    });
  });

  it('HVM_PARAMS is rejected when its count does not match its length', () => {
    const body = Buffer.concat([u32(3, ORDER), u32(0, ORDER), Buffer.alloc(32)]);
    const { stream, at } = withReplaced('HVM_PARAMS', libxcRecord('HVM_PARAMS', body));
    expect(libxcRefusal(stream)).toMatchObject({
      code: 'CORRUPT',
      details: { offset: at + 4, expected: '56 bytes for 3 parameters', found: '40 bytes' },
    });
  });

  it('is rejected for reserved bits, at their offset', () => {
    const { stream, at } = withReplaced('X86_TSC_INFO', libxcRecord('X86_TSC_INFO', changed(Buffer.alloc(24), 21, 1)));
    expect(libxcRefusal(stream)).toMatchObject({
      code: 'CORRUPT',
      message: 'reserved bits are set in the X86_TSC_INFO record',
      details: { offset: at + 8 + 20 },
    });
  });

  it.each([
    [[5, 4], 'a width of 5 and 4 levels'],
    [[8, 2], 'a width of 8 and 2 levels'],
  ])('X86_PV_INFO with the values %j is rejected', (values, found) => {
    const [, ...rest] = pvRecords();
    const info = libxcRecord('X86_PV_INFO', changed(Buffer.alloc(8), 0, ...values));
    expect(libxcRefusal(libxcStream(PV, [info, ...rest]))).toMatchObject({
      code: 'CORRUPT',
      details: { offset: HEAD, found },
    });
  });

  it('X86_PV_P2M_FRAMES is rejected when its range is invalid or does not match its length', () => {
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
      'shorter than its header',
      libxcRecord('PAGE_DATA', Buffer.alloc(7)),
      4,
      { expected: 'at least 8 bytes', found: '7 bytes' },
    ],
    ['without page frames', body(0, [], 0), 8, { expected: 'a count of at least 1', found: '0' }],
    ['with reserved bits in its header', body(1, [0n], 1, 1), 12, {}],
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
    ['with a page frame of a reserved type', body(2, [0n, 5n << 60n], 1), 24, { found: '0x5000000000000000' }],
    ['with a pinned page that is not a page table', body(1, [8n << 60n], 1), 16, { found: '0x8000000000000000' }],
    ['with reserved bits in a page frame', body(1, [1n << 52n], 1), 16, { found: '0x0010000000000000' }],
  ])('%s is rejected', (_, page, offset, details) => {
    const { stream, at } = withReplaced('PAGE_DATA', page);
    expect(libxcRefusal(stream)).toMatchObject({ code: 'CORRUPT', details: { ...details, offset: at + offset } });
  });
});

describe('a truncated stream', () => {
  it.each([
    ['HVM', HVM],
    ['PV', PV],
  ] as const)('is rejected at the byte where it ends, for each length: %s', (_, head) => {
    const stream = libxcStream(head);
    expect(readLibxc(stream).ended).toBe(true);
    for (let length = 0; length < stream.length; length += length % 4096 < 300 ? 1 : 61) {
      const error = libxcRefusal(stream.subarray(0, length));
      expect(error).toMatchObject({ code: 'TRUNCATED', details: { where: WHERE, offset: length } });
    }
  });
});
