/** What a libxc stream turned out to hold. */
import type { ByteOrder } from '../../pull-parser/index.js';
import type { LibxcRecordName } from './record-types.js';

export interface LibxcSummary {
  /** Where its image header stands, bytes from the beginning of the input. */
  readonly offset: number;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  readonly guest: 'x86 PV' | 'x86 HVM';
  /** The Xen that wrote it; `major` is 0 when the conversion tool for legacy streams did. */
  readonly xen: { readonly major: number; readonly minor: number };
  /** How many records of each type; a type that does not occur is not in it. */
  readonly records: Readonly<Partial<Record<LibxcRecordName, number>>>;
  readonly pages: {
    /** Page frames that PAGE_DATA records speak of. */
    readonly described: number;
    /** Those whose contents are in the stream; the others are holes, or broken. */
    readonly withData: number;
  };
  /** Bytes from its image header to the end of its last record so far. */
  readonly bytes: number;
  /** Whether its END was reached. */
  readonly ended: boolean;
}
