/**
 * The record types of a libxc stream. Source: docs/specs/libxc-migration-stream.pandoc of Xen, revision 3.
 *
 * Bit 31 marks records that a reader may ignore. The revision defines none. The summary counts them as OPTIONAL.
 */
export const LIBXC_RECORDS = {
  END: 0x00,
  PAGE_DATA: 0x01,
  X86_PV_INFO: 0x02,
  X86_PV_P2M_FRAMES: 0x03,
  X86_PV_VCPU_BASIC: 0x04,
  X86_PV_VCPU_EXTENDED: 0x05,
  X86_PV_VCPU_XSAVE: 0x06,
  SHARED_INFO: 0x07,
  X86_TSC_INFO: 0x08,
  HVM_CONTEXT: 0x09,
  HVM_PARAMS: 0x0a,
  TOOLSTACK: 0x0b,
  X86_PV_VCPU_MSRS: 0x0c,
  VERIFY: 0x0d,
  CHECKPOINT: 0x0e,
  CHECKPOINT_DIRTY_PFN_LIST: 0x0f,
  STATIC_DATA_END: 0x10,
  X86_CPUID_POLICY: 0x11,
  X86_MSR_POLICY: 0x12,
} as const;

/** The name of a record type. */
export type LibxcType = keyof typeof LIBXC_RECORDS;
/** The name under which the summary counts a record. */
export type LibxcRecordName = LibxcType | 'OPTIONAL';
