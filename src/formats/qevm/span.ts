/** The results of splitting the device sections of a state (device-sections.ts). */
import type { SectionHeader, SectionType } from './section-header.js';

/** The bytes of one section, as a split finds them. Offsets are counted from the first byte of the device sections. */
export interface Span extends SectionHeader {
  readonly type: SectionType;
  /** Offset of the section's first byte, its type. */
  readonly offset: number;
  /** Length of the body, in bytes. */
  readonly bodyLength: number;
  /** Length of the footer, in bytes; 0 if the section has no footer. */
  readonly footerBytes: number;
  /** Whether the end of the section is inferred: nothing in the state says where it is. */
  readonly inferred: boolean;
  /** Other offsets that hold the same header and at which the section could begin as well. */
  readonly alternatives: readonly number[];
}

/** The bytes of a state from its first device section to the end of the state. */
export interface DeviceSections {
  readonly bytes: Uint8Array;
  /** Offset of the first of these bytes, counted from the start of the state. */
  readonly offset: number;
  /** Offset of the end mark in `bytes`. */
  readonly end: number;
  /** Whether the sections before these end in footers; undefined if there are no sections before these. */
  readonly footers: boolean | undefined;
}
