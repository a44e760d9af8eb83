/** A section as a split finds it. Offsets are from the first byte of the device part: see reader.ts. */
import type { SectionHeader, SectionType } from './section-header.js';

export interface Span extends SectionHeader {
  readonly type: SectionType;
  readonly offset: number;
  readonly bodyLength: number;
  /** Of the footer, 0 where there is none. */
  readonly footerBytes: number;
  readonly inferred: boolean;
  readonly alternatives: readonly number[];
}

/** The part of a state that holds its devices. */
export interface DeviceSections {
  readonly bytes: Uint8Array;
  /** Of its first byte, from the first one of the state. */
  readonly offset: number;
  /** Of the end mark, in `bytes`. */
  readonly end: number;
  /** What the sections before have shown; undefined when there were none. */
  readonly footers: boolean | undefined;
}
