/**
 * The header of a section (big-endian; QEMU's `save_section_header` in migration/savevm.c):
 *
 *     0       1  type: 0x01 start, 0x02 part, 0x03 end, 0x04 full
 *     1       4  section id: unique; QEMU assigns ascending ids in the order in which it creates the devices
 *     5       1  length of the name, n          |
 *     6       n  name                           |  only in start and full sections: part and end sections
 *     6+n     4  instance                       |  continue a section that was started
 *     10+n    4  version                        |
 *
 * The body follows, without a length. Only the device's own code in QEMU knows where the body ends.
 */
import { viewOf } from '../protocol/block.js';

/** The section types by name, each with its first byte. */
export const SECTION_TYPES = { start: 0x01, part: 0x02, end: 0x03, full: 0x04 } as const;

/** The type of a section, by name. */
export type SectionType = keyof typeof SECTION_TYPES;

/** The end mark of a state. */
export const END_OF_STATE = 0x00;
/** The first byte of a subsection. */
export const SUBSECTION = 0x05;
/** The first byte of the description. */
export const DESCRIPTION = 0x06;
/** The first byte of the configuration. */
export const CONFIGURATION = 0x07;
/** The first byte of a command. */
export const COMMAND = 0x08;
/** The first byte of a footer. */
export const FOOTER = 0x7e;

/** Length of a footer, in bytes: 0x7e and the section's id. */
export const FOOTER_BYTES = 5;

/** The fields of the header of a start or full section. */
export interface SectionHeader {
  readonly id: number;
  /** `[path of the device/]name of its VMStateDescription`, such as `0000:00:03.0/e1000`. */
  readonly name: string;
  readonly instance: number;
  readonly version: number;
  /** Length of the header, with the type, in bytes. */
  readonly headerBytes: number;
}

/** Length of the header fields before the name, in bytes. */
export const BEFORE_NAME = 6;
/** Length of the header fields after the name, in bytes. */
export const AFTER_NAME = 8;

/**
 * Reads the header of a start or full section at the offset `at`. It does not check the type.
 *
 * @returns undefined when `bytes` end within the header
 */
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

/** Returns the name of a section without the path of its device. */
export function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** Whether `bytes` have the footer of section `id` at the offset `at`. */
export function isFooterAt(bytes: Uint8Array, at: number, id: number): boolean {
  return at >= 0 && at + FOOTER_BYTES <= bytes.length && bytes[at] === FOOTER && viewOf(bytes).getUint32(at + 1) === id;
}
