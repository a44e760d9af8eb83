import type { ByteOrder } from '../../pull-parser/index.js';
import type { LibxcSummary } from '../libxc-stream/index.js';
import type { Emulator, LibxlRecordName } from './record-types.js';

/** The summary of a libxl stream. */
export interface LibxlSummary {
  /** The offset of its header in the input. */
  readonly offset: number;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  /** Whether it was converted from a stream of Xen 4.5 or older. */
  readonly fromLegacy: boolean;
  /** The number of records of each type that occurs. */
  readonly records: Readonly<Partial<Record<LibxlRecordName, number>>>;
  readonly libxc: LibxcSummary | undefined;
  /** The last EMULATOR_XENSTORE_DATA record. Its keys are relative to the xenstore directory of the device model. */
  readonly xenstore: EmulatorXenstoreData | undefined;
  /** The last complete EMULATOR_CONTEXT record, from which libxl restores. */
  readonly emulatorContext: EmulatorContext | undefined;
  /** The number of bytes from its header to the end of the last parsed record. */
  readonly bytes: number;
  /** Whether END was parsed. */
  readonly ended: boolean;
}

/** The emulator to which a record belongs. */
export interface EmulatorOf {
  readonly emulator: Emulator;
  /** The index of the emulator within the domain. */
  readonly index: number;
}

/** The xenstore keys of an emulator. */
export interface EmulatorXenstoreData extends EmulatorOf {
  /** The keys and values, not escaped. A value can contain any byte except NUL. */
  readonly entries: readonly { readonly key: string; readonly value: string }[];
}

/** The device state of an emulator. Offsets are counted from the start of the input, in bytes. */
export interface EmulatorContext extends EmulatorOf {
  /** The offset of the record header. */
  readonly recordOffset: number;
  /** The offset of the device state, after the record header (8 bytes) and the emulator header (8 bytes). */
  readonly offset: number;
  /** The length of the device state, in bytes. */
  readonly length: number;
}
