import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Frame,
  HVM,
  hasContents,
  hvmRecords,
  libxcRecord,
  libxcStream,
  PV,
  pageData,
} from '../../../../support/libxc-stream/libxc-bytes.js';
import { readLibxc } from '../../../../support/libxc-stream/read-libxc.js';
import { record } from '../../../../support/pull-parser/numbers.js';

const orders = fc.constantFrom('little' as const, 'big' as const);
const frames: fc.Arbitrary<Frame> = fc.record({
  type: fc.constantFrom(0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15),
  pfn: fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }),
});

describe('a libxc stream', () => {
  it('of an HVM guest has each of its records counted', () => {
    const stream = libxcStream(HVM);
    expect(readLibxc(stream)).toEqual({
      offset: 0,
      version: 3,
      byteOrder: 'little',
      guest: 'x86 HVM',
      xen: { major: 4, minor: 17 },
      records: {
        X86_CPUID_POLICY: 1,
        X86_MSR_POLICY: 1,
        STATIC_DATA_END: 1,
        PAGE_DATA: 1,
        X86_TSC_INFO: 1,
        HVM_CONTEXT: 1,
        HVM_PARAMS: 1,
        END: 1,
      },
      pages: { described: 1, withData: 1 },
      bytes: stream.length,
      ended: true,
    });
  });

  it('of a PV guest has each of its records counted', () => {
    expect(readLibxc(libxcStream(PV))).toMatchObject({
      guest: 'x86 PV',
      records: { X86_PV_INFO: 1, X86_PV_P2M_FRAMES: 1, SHARED_INFO: 1, X86_PV_VCPU_MSRS: 1, END: 1 },
      pages: { described: 3, withData: 2 },
      ended: true,
    });
  });

  it('of version 2 has no static data', () => {
    const records = hvmRecords().slice(3);
    expect(readLibxc(libxcStream({ ...HVM, version: 2 }, records))).toMatchObject({ version: 2, ended: true });
  });

  it('may have optional records of unknown types', () => {
    const optional = record(0x8000_0042, Buffer.alloc(5, 9), 'little');
    const [first = optional, ...rest] = hvmRecords();
    expect(readLibxc(libxcStream(HVM, [optional, first, optional, ...rest])).records.OPTIONAL).toBe(2);
  });

  it('may have verification pages after a VERIFY record, and an empty HVM_PARAMS as in Xen 4.6', () => {
    const records = hvmRecords();
    records.splice(4, 0, libxcRecord('VERIFY'), pageData([{ type: 0, pfn: 5n }]));
    records.splice(-1, 0, libxcRecord('HVM_PARAMS', Buffer.alloc(8)));
    expect(readLibxc(libxcStream(HVM, records)).records).toMatchObject({ VERIFY: 1, PAGE_DATA: 2, HVM_PARAMS: 2 });
  });

  it('can have any pages, in both byte orders, and each page is counted', () => {
    fc.assert(
      fc.property(
        orders,
        fc.array(fc.array(frames, { minLength: 1, maxLength: 9 }), { maxLength: 4 }),
        (order, all) => {
          const pages = all.map((some) => pageData(some, order));
          const summary = readLibxc(libxcStream({ ...HVM, order }, hvmRecords(order, pages)));
          const described = all.flat();
          expect(summary).toMatchObject({
            byteOrder: order,
            pages: { described: described.length, withData: described.filter(hasContents).length },
          });
          expect(summary.records.PAGE_DATA ?? 0).toBe(all.length);
        },
      ),
    );
  });

  it('contains the version of Xen, with any numbers', () => {
    const u32s = fc.nat({ max: 0xffff_ffff });
    fc.assert(
      fc.property(orders, u32s, u32s, (order, major, minor) => {
        const stream = libxcStream({ ...HVM, order, xen: [major, minor] });
        expect(readLibxc(stream).xen).toEqual({ major, minor });
      }),
    );
  });

  it('can have more page frames in a record than the parser reads at a time', () => {
    const many = Array.from({ length: 20_000 }, (_, pfn): Frame => ({ type: 15, pfn: BigInt(pfn) }));
    expect(readLibxc(libxcStream(HVM, hvmRecords('little', [pageData(many)]))).pages).toEqual({
      described: 20_000,
      withData: 0,
    });
  });

  it('ends with its END record, and bytes after it are not read', () => {
    const stream = libxcStream(HVM);
    expect(readLibxc(Buffer.concat([stream, Buffer.alloc(100, 0xee)])).bytes).toBe(stream.length);
  });
});
