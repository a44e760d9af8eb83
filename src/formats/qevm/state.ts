/** What a QEMU state consists of, as the reader finds it. Offsets and lengths are in bytes, from the state's first one. */
import type { Description } from './description.js';
import type { SectionType } from './section-header.js';

export interface QevmSection {
  /** Place among all sections, from 0. */
  readonly index: number;
  /** QEMU's section id. */
  readonly id: number;
  /** `[path of the device/]name`, such as `0000:00:03.0/e1000`; it may hold any bytes: show it by `printable`. */
  readonly name: string;
  readonly instance: number;
  readonly version: number;
  readonly type: SectionType;
  /** Of the section's first byte, its type. */
  readonly offset: number;
  /** With header and footer. */
  readonly length: number;
  readonly bodyOffset: number;
  readonly bodyLength: number;
  /** Of the body, as 16 hexadecimal digits. */
  readonly xxh64: string;
  /** Its end was found by inference: nothing in the state says where it is. */
  readonly inferred: boolean;
  /**
   * Other places at which this very header stands, and which fit as well. Only where `inferred`; empty almost always.
   */
  readonly alternatives: readonly number[];
}

/**
 * How the ends of device sections are known: the description has the length of each; footers mark them; or the most
 * plausible chain of headers was taken.
 */
export type SplitBy = 'description' | 'footers' | 'inferred';

export interface RamBlock {
  readonly name: string;
  readonly bytes: number;
}

export interface Ram {
  readonly pageSize: number;
  readonly blocks: readonly RamBlock[];
  /** Pages with their bytes, pages of one byte repeated, pages compressed in some way. */
  readonly pages: { readonly whole: number; readonly filled: number; readonly compressed: number };
}

export interface Configuration {
  readonly machineType: string;
  readonly capabilities: readonly string[];
}

export interface QevmState {
  readonly kind: 'device-state' | 'migration-stream';
  /** From the configuration; empty where there is none. */
  readonly machineType: string;
  readonly configuration: Configuration | undefined;
  /** Of the whole state. */
  readonly bytes: number;
  readonly split: SplitBy;
  /** Whether sections end in footers. */
  readonly footers: boolean;
  readonly sections: readonly QevmSection[];
  readonly ram: Ram | undefined;
  readonly description: Description | undefined;
  /** Bytes of the description's text; 0 where there is none. */
  readonly descriptionBytes: number;
  /** The body of a device section; undefined for RAM, which is not kept. */
  bodyOf(section: QevmSection): Uint8Array | undefined;
}
