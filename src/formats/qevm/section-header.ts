/**
 * The header of a section (big-endian; QEMU's `save_section_header` in migration/savevm.c):
 *
 *     0       1  type: 0x01 start, 0x02 part, 0x03 end, 0x04 full
 *     1       4  section id: counts up in the order in which devices were made; of no two sections the same
 *     5       1  length of the name, n          |
 *     6       n  name                           |  only start and full: the other two
 *     6+n     4  instance                       |  go on with a section that was started
 *     10+n    4  version                        |
 *
 * The body follows, without a length: only the device's own code in QEMU knows where it ends.
 */
import { viewOf } from '../protocol/block.js';

export const SECTION_TYPES = { start: 0x01, part: 0x02, end: 0x03, full: 0x04 } as const;

export type SectionType = keyof typeof SECTION_TYPES;

export const END_OF_STATE = 0x00;
export const SUBSECTION = 0x05;
export const DESCRIPTION = 0x06;
export const CONFIGURATION = 0x07;
export const COMMAND = 0x08;
export const FOOTER = 0x7e;

/** A footer: 0x7e and the section's id. */
export const FOOTER_BYTES = 5;

export interface SectionHeader {
  readonly id: number;
  /** `[path of the device/]name of its VMStateDescription`, such as `0000:00:03.0/e1000`. */
  readonly name: string;
  readonly instance: number;
  readonly version: number;
  /** Bytes of the header, with the type. */
  readonly headerBytes: number;
}

/** Bytes before a name, and after it. */
export const BEFORE_NAME = 6;
export const AFTER_NAME = 8;

/** Bytes of the longest header. */
export const LONGEST_HEADER = BEFORE_NAME + 255 + AFTER_NAME;

/** The header of a start or full section at `at`; undefined when `bytes` end within it. The type is not looked at. */
export function sectionHeaderAt(bytes: Uint8Array, at: number): SectionHeader | undefined {
  const view = viewOf(bytes);
  if (at + BEFORE_NAME > bytes.length) return undefined;
  const nameBytes = view.getUint8(at + 5);
  const afterName = at + BEFORE_NAME + nameBytes;
  if (afterName + AFTER_NAME > bytes.length) return undefined;
  return {
    id: view.getUint32(at + 1),
    name: Buffer.from(bytes.buffer, bytes.byteOffset + at + BEFORE_NAME, nameBytes).toString('latin1'),
    instance: view.getUint32(afterName),
    version: view.getUint32(afterName + 4),
    headerBytes: BEFORE_NAME + nameBytes + AFTER_NAME,
  };
}

/** The name without the path of the device. */
export function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** Whether the footer of section `id` stands at `at`. */
export function isFooterAt(bytes: Uint8Array, at: number, id: number): boolean {
  return at >= 0 && at + FOOTER_BYTES <= bytes.length && bytes[at] === FOOTER && viewOf(bytes).getUint32(at + 1) === id;
}
