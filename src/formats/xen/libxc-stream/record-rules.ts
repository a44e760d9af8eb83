/**
 * What Xen's own reader demands of a record beside PAGE_DATA: in which guests and versions it may occur, and how long
 * it may be. Sources: docs/specs/libxc-migration-stream.pandoc, tools/libs/guest/xg_sr_restore*.c.
 *
 * A record with a count or a vCPU in front has its own check in record-bodies.ts.
 */
import type { Guest } from './headers.js';
import type { LibxcType } from './record-types.js';

export interface RecordRule {
  /** The only kind of guest that has it. */
  readonly guest?: Guest;
  /** The first version of the format that has it. */
  readonly since?: number;
  /** Bytes of the body: exactly so many, or a minimum and what it must be a multiple of. */
  readonly length: number | { readonly atLeast: number; readonly multipleOf: number };
  /** Bytes of the body that must be zero, as [offset, length]. */
  readonly reserved?: readonly [number, number];
}

const EMPTY: RecordRule = { length: 0 };
const VCPU: RecordRule = { guest: 'x86 PV', length: { atLeast: 8, multipleOf: 1 }, reserved: [4, 4] };

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
  // Goes from the secondary back to the primary, so never into a file: refused by the walk.
  CHECKPOINT_DIRTY_PFN_LIST: { length: { atLeast: 0, multipleOf: 8 } },
  STATIC_DATA_END: { since: 3, length: 0 },
  // Arrays of xen_cpuid_leaf_t and xen_msr_entry_t.
  X86_CPUID_POLICY: { since: 3, length: { atLeast: 24, multipleOf: 24 } },
  X86_MSR_POLICY: { since: 3, length: { atLeast: 16, multipleOf: 16 } },
};
