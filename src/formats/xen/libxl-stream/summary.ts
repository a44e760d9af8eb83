/** What a libxl stream turned out to hold. */

import type { ByteOrder } from '../../pull-parser/index.js';
import type { LibxcSummary } from '../libxc-stream/index.js';
import type { Emulator, LibxlRecordName } from './record-types.js';

export interface LibxlSummary {
  /** Where its header stands, bytes from the beginning of the input. */
  readonly offset: number;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  /** Whether it was made of a stream of Xen 4.5 or older. */
  readonly fromLegacy: boolean;
  /** How many records of each type; a type that does not occur is not in it. */
  readonly records: Readonly<Partial<Record<LibxlRecordName, number>>>;
  readonly libxc: LibxcSummary | undefined;
  /** The last EMULATOR_XENSTORE_DATA record; keys are relative to the device model's folder in xenstore. */
  readonly xenstore: EmulatorXenstoreData | undefined;
  /** The last EMULATOR_CONTEXT record whose bytes are all there: the one that libxl restores from. */
  readonly emulatorContext: EmulatorContext | undefined;
  /** Bytes from its header to the end of its last record so far. */
  readonly bytes: number;
  /** Whether its END was reached. */
  readonly ended: boolean;
}

/** Whose a record is. */
export interface EmulatorOf {
  readonly emulator: Emulator;
  /** Which of the domain's emulators. */
  readonly index: number;
}

export interface EmulatorXenstoreData extends EmulatorOf {
  /** Not escaped: they may hold anything but NUL. */
  readonly entries: readonly { readonly key: string; readonly value: string }[];
}

/** Bytes from the beginning of the input. */
export interface EmulatorContext extends EmulatorOf {
  /** Where the header of its record stands. */
  readonly recordOffset: number;
  /** Where the device state begins: behind the header of the record (8 bytes) and that of the emulator (8 bytes). */
  readonly offset: number;
  /** Of the device state. */
  readonly length: number;
}
