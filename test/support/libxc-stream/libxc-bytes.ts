/** Encodes libxc streams from docs/specs/libxc-migration-stream.pandoc of Xen, independently of the parser. */
import type { ByteOrder } from '../../../src/formats/pull-parser/index.js';
import { record, u16, u32, u64 } from '../pull-parser/numbers.js';

export const PAGE = 4096;

export const TYPES = {
  END: 0,
  PAGE_DATA: 1,
  X86_PV_INFO: 2,
  X86_PV_P2M_FRAMES: 3,
  X86_PV_VCPU_BASIC: 4,
  X86_PV_VCPU_EXTENDED: 5,
  X86_PV_VCPU_XSAVE: 6,
  SHARED_INFO: 7,
  X86_TSC_INFO: 8,
  HVM_CONTEXT: 9,
  HVM_PARAMS: 10,
  TOOLSTACK: 11,
  X86_PV_VCPU_MSRS: 12,
  VERIFY: 13,
  CHECKPOINT: 14,
  CHECKPOINT_DIRTY_PFN_LIST: 15,
  STATIC_DATA_END: 16,
  X86_CPUID_POLICY: 17,
  X86_MSR_POLICY: 18,
} as const;
export type TypeName = keyof typeof TYPES;

export interface Head {
  readonly order: ByteOrder;
  readonly version: number;
  readonly guest: 1 | 2;
  readonly xen: readonly [number, number];
}

export const HVM: Head = { order: 'little', version: 3, guest: 2, xen: [4, 17] };
export const PV: Head = { ...HVM, guest: 1 };

export function libxcHead({ order, version, guest, xen }: Head): Buffer {
  const options = order === 'big' ? 1 : 0;
  return Buffer.concat([
    ...[Buffer.alloc(8, 0xff), Buffer.from('XENF'), u32(version, 'big'), u16(options, 'big'), Buffer.alloc(6)],
    ...[u32(guest, order), u16(12, order), u16(0, order), u32(xen[0], order), u32(xen[1], order)],
  ]);
}

export function libxcRecord(name: TypeName, body: Uint8Array = new Uint8Array(0), order: ByteOrder = 'little'): Buffer {
  return record(TYPES[name], body, order);
}

export interface Frame {
  readonly type: number;
  readonly pfn: bigint;
}

export const hasContents = ({ type }: Frame): boolean => type <= 4 || (type >= 9 && type <= 12);

export function pageData(frames: readonly Frame[], order: ByteOrder = 'little'): Buffer {
  const numbers = frames.map(({ type, pfn }) => u64((BigInt(type) << 60n) | pfn, order));
  const pages = frames.filter(hasContents).map(({ pfn }) => Buffer.alloc(PAGE, Number(pfn & 0xffn)));
  return libxcRecord(
    'PAGE_DATA',
    Buffer.concat([u32(frames.length, order), u32(0, order), ...numbers, ...pages]),
    order,
  );
}

export function hvmParams(count: number, order: ByteOrder = 'little'): Buffer {
  return libxcRecord(
    'HVM_PARAMS',
    Buffer.concat([u32(count, order), u32(0, order), Buffer.alloc(16 * count, 7)]),
    order,
  );
}

/** Returns the records of an HVM guest, in the order in which Xen 4.17 writes them. */
export function hvmRecords(
  order: ByteOrder = 'little',
  pages: readonly Buffer[] = [pageData([{ type: 0, pfn: 5n }], order)],
): Buffer[] {
  return [
    libxcRecord('X86_CPUID_POLICY', Buffer.alloc(48, 1), order),
    libxcRecord('X86_MSR_POLICY', Buffer.alloc(32, 2), order),
    libxcRecord('STATIC_DATA_END', undefined, order),
    ...pages,
    libxcRecord('X86_TSC_INFO', Buffer.alloc(24), order),
    libxcRecord('HVM_CONTEXT', Buffer.alloc(100, 3), order),
    hvmParams(2, order),
    libxcRecord('END', undefined, order),
  ];
}

/** Returns the records of a 64-bit PV guest whose P2M has two frames. */
export function pvRecords(order: ByteOrder = 'little'): Buffer[] {
  const vcpu = Buffer.concat([u32(0, order), u32(0, order), Buffer.alloc(40, 4)]);
  return [
    libxcRecord('X86_PV_INFO', Buffer.of(8, 4, 0, 0, 0, 0, 0, 0), order),
    libxcRecord('STATIC_DATA_END', undefined, order),
    libxcRecord('X86_PV_P2M_FRAMES', Buffer.concat([u32(0, order), u32(1023, order), Buffer.alloc(16, 5)]), order),
    pageData(
      [
        { type: 0, pfn: 1n },
        { type: 15, pfn: 2n },
        { type: 9, pfn: 3n },
      ],
      order,
    ),
    libxcRecord('X86_TSC_INFO', Buffer.alloc(24), order),
    libxcRecord('SHARED_INFO', Buffer.alloc(4096, 6), order),
    libxcRecord('X86_PV_VCPU_BASIC', vcpu, order),
    libxcRecord('X86_PV_VCPU_EXTENDED', vcpu, order),
    libxcRecord('X86_PV_VCPU_XSAVE', vcpu, order),
    libxcRecord('X86_PV_VCPU_MSRS', vcpu, order),
    libxcRecord('END', undefined, order),
  ];
}

export function libxcStream(head: Head = HVM, records?: readonly Buffer[]): Buffer {
  const { order } = head;
  return Buffer.concat([libxcHead(head), ...(records ?? (head.guest === 2 ? hvmRecords(order) : pvRecords(order)))]);
}
