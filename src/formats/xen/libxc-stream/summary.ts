import type { ByteOrder } from '../../pull-parser/index.js';
import type { LibxcRecordName } from './record-types.js';

/** The summary of a libxc stream. */
export interface LibxcSummary {
  /** The offset of its image header in the input. */
  readonly offset: number;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  readonly guest: 'x86 PV' | 'x86 HVM';
  /** The version of Xen that wrote it. `major` is 0 when the conversion tool for legacy streams wrote it. */
  readonly xen: { readonly major: number; readonly minor: number };
  /** The number of records of each type that occurs. */
  readonly records: Readonly<Partial<Record<LibxcRecordName, number>>>;
  readonly pages: {
    /** The number of page frames in PAGE_DATA records. */
    readonly described: number;
    /** The number of page frames whose contents are in the stream. The others are holes, broken or only allocated. */
    readonly withData: number;
  };
  /** The number of bytes from its image header to the end of the last parsed record. */
  readonly bytes: number;
  /** Whether END was parsed. */
  readonly ended: boolean;
}
