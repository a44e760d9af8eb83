/**
 * The records of a libxl stream by number: docs/specs/libxl-migration-stream.pandoc of Xen, revision 2.
 *
 * Bit 31 marks records that a reader may ignore. None is defined so far; they are counted under one name.
 */
export const LIBXL_RECORDS = {
  END: 0,
  LIBXC_CONTEXT: 1,
  EMULATOR_XENSTORE_DATA: 2,
  EMULATOR_CONTEXT: 3,
  CHECKPOINT_END: 4,
  CHECKPOINT_STATE: 5,
} as const;

export type LibxlType = keyof typeof LIBXL_RECORDS;
/** The name that a record is counted under. */
export type LibxlRecordName = LibxlType | 'OPTIONAL';

/** The emulators by number. */
export const EMULATORS = ['unknown', 'qemu-xen-traditional', 'qemu-xen'] as const;
export type Emulator = (typeof EMULATORS)[number];
