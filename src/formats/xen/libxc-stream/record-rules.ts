/**
 * The rules of Xen's own reader for all records except PAGE_DATA: the guests and versions in which a record may occur,
 * and its length. Sources: docs/specs/libxc-migration-stream.pandoc, tools/libs/guest/xg_sr_restore*.c of Xen.
 *
 * Records whose body starts with a count have additional checks in record-bodies.ts.
 */
import type { Guest } from './headers.js';
import type { LibxcType } from './record-types.js';

/** The rule for one record type. */
export interface RecordRule {
  /** The only type of guest that may have the record. */
  readonly guest?: Guest;
  /** The first version of the format that has the record. */
  readonly since?: number;
  /** The length of the body in bytes: an exact number, or a minimum and a required divisor. */
  readonly length: number | { readonly atLeast: number; readonly multipleOf: number };
  /** The bytes of the body that must be zero, as [offset, length]. */
  readonly reserved?: readonly [number, number];
}

const EMPTY: RecordRule = { length: 0 };
const VCPU: RecordRule = { guest: 'x86 PV', length: { atLeast: 8, multipleOf: 1 }, reserved: [4, 4] };

/** The rules by record type. */
export const RECORD_RULES: Readonly<Record<Exclude<LibxcType, 'PAGE_DATA'>, RecordRule>> = {
  END: EMPTY,
  X86_PV_INFO: { guest: 'x86 PV', length: 8, reserved: [2, 6] },
  X86_PV_P2M_FRAMES: { guest: 'x86 PV', length: { atLeast: 16, multipleOf: 8 } },
  X86_PV_VCPU_BASIC: VCPU,
  X86_PV_VCPU_EXTENDED: VCPU,
  X86_PV_VCPU_XSAVE: VCPU,
  X86_PV_VCPU_MSRS: VCPU,
  SHARED_INFO: { guest: 'x86 PV', length: 4096 },
  X86_TSC_INFO: { length: 24, reserved: [20, 4] },
  HVM_CONTEXT: { guest: 'x86 HVM', length: { atLeast: 1, multipleOf: 1 } },
  HVM_PARAMS: { guest: 'x86 HVM', length: { atLeast: 8, multipleOf: 8 }, reserved: [4, 4] },
  TOOLSTACK: { length: { atLeast: 0, multipleOf: 1 } },
  VERIFY: EMPTY,
  CHECKPOINT: EMPTY,
  // The secondary sends this record to the primary. It never occurs in a file, and LibxcReader rejects it.
  CHECKPOINT_DIRTY_PFN_LIST: { length: { atLeast: 0, multipleOf: 8 } },
  STATIC_DATA_END: { since: 3, length: 0 },
  // Arrays of xen_cpuid_leaf_t and xen_msr_entry_t.
  X86_CPUID_POLICY: { since: 3, length: { atLeast: 24, multipleOf: 24 } },
  X86_MSR_POLICY: { since: 3, length: { atLeast: 16, multipleOf: 16 } },
};
