/**
 * A QEMU state, as the reader returns it. Offsets and lengths are in bytes; offsets are counted from the start of the
 * state.
 */
import type { Description } from './description.js';
import type { SectionType } from './section-header.js';

/** One section of a state. */
export interface QevmSection {
  /** Index among all sections, from 0. */
  readonly index: number;
  /** QEMU's section id. */
  readonly id: number;
  /**
   * `[path of the device/]name`, such as `0000:00:03.0/e1000`. It may contain any bytes: use `printable` to show it.
   */
  readonly name: string;
  readonly instance: number;
  readonly version: number;
  readonly type: SectionType;
  /** Offset of the section's first byte, its type. */
  readonly offset: number;
  /** Length of the section, with its header and footer. */
  readonly length: number;
  readonly bodyOffset: number;
  readonly bodyLength: number;
  /** The xxh64 of the body, as 16 hexadecimal digits. */
  readonly xxh64: string;
  /** Whether the end of the section is inferred: nothing in the state says where it is. */
  readonly inferred: boolean;
  /**
   * Other offsets that hold the same header and at which the section could begin as well. Almost always empty; never
   * filled unless `inferred` is true.
   */
  readonly alternatives: readonly number[];
}

/**
 * How the ends of the device sections are found.
 *
 * - `description`: the description contains the length of each section.
 * - `footers`: footers mark the ends.
 * - `inferred`: the state stores no lengths, and the most plausible chain of headers is used.
 */
export type SplitBy = 'description' | 'footers' | 'inferred';

/** A block of RAM, as QEMU names it. */
export interface RamBlock {
  readonly name: string;
  /** Length of the block, in bytes. */
  readonly bytes: number;
}

/** What a migration stream contains of RAM. */
export interface Ram {
  /** Size of a page, in bytes. */
  readonly pageSize: number;
  readonly blocks: readonly RamBlock[];
  /** Number of pages that are stored as they are, that repeat one byte, and that are compressed in any way. */
  readonly pages: { readonly whole: number; readonly filled: number; readonly compressed: number };
}

/** The configuration section (configuration.ts). */
export interface Configuration {
  readonly machineType: string;
  readonly capabilities: readonly string[];
}

/** A whole QEMU state. */
export interface QevmState {
  readonly kind: 'device-state' | 'migration-stream';
  /** The machine type in the configuration; empty if there is no configuration. */
  readonly machineType: string;
  readonly configuration: Configuration | undefined;
  /** Length of the whole state. */
  readonly bytes: number;
  readonly split: SplitBy;
  /** Whether sections end in footers. */
  readonly footers: boolean;
  readonly sections: readonly QevmSection[];
  readonly ram: Ram | undefined;
  readonly description: Description | undefined;
  /** Length of the description's JSON text; 0 if there is no description. */
  readonly descriptionBytes: number;
  /** Returns the body of a device section; undefined for a section of RAM, which the reader does not keep. */
  bodyOf(section: QevmSection): Uint8Array | undefined;
}
