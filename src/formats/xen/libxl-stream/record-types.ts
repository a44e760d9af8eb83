/**
 * The record types of a libxl stream. Source: docs/specs/libxl-migration-stream.pandoc of Xen, revision 2.
 *
 * Bit 31 marks records that a reader may ignore. The revision defines none. The summary counts them as OPTIONAL.
 */
export const LIBXL_RECORDS = {
  END: 0,
  LIBXC_CONTEXT: 1,
  EMULATOR_XENSTORE_DATA: 2,
  EMULATOR_CONTEXT: 3,
  CHECKPOINT_END: 4,
  CHECKPOINT_STATE: 5,
} as const;

/** The name of a record type. */
export type LibxlType = keyof typeof LIBXL_RECORDS;
/** The name under which the summary counts a record. */
export type LibxlRecordName = LibxlType | 'OPTIONAL';

/** The emulators by number. */
export const EMULATORS = ['unknown', 'qemu-xen-traditional', 'qemu-xen'] as const;
/** The name of an emulator. */
export type Emulator = (typeof EMULATORS)[number];
