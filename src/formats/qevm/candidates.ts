/**
 * Finds the bytes in the device sections of a state that look like the header of a full section.
 *
 * Real headers have this in common (QEMU 7.2, migration/savevm.c; the numbers are from QEMU's own devices):
 *
 *     section id  a counter from 0, far below a million
 *     name        printable ASCII: an optional path, such as 0000:00:03.0/, and the name of the device
 *     instance    a counter, or a property of the machine such as an address: any u32
 *     version     a small number; the largest is 21 (qxl)
 */
import { hasPriority, type Node } from './chain.js';
import { baseName, SECTION_TYPES, sectionHeaderAt } from './section-header.js';
import { lengthHintOf } from './section-size-hints.js';

/** The bytes that look like a header. The weight of the {@link Node} says how much they look like one. */
export type Candidate = Node;

const MAX_ID = 1 << 20;
const MAX_VERSION = 1023;
/** Most instances are counters. */
const MAX_USUAL_INSTANCE = 0xffff;
/** `ram`, `cpu` and `fdc` are among the shortest names. */
const MIN_NAME_LENGTH = 2;

const USUAL_NAME = /^[\w.:/@+,-]+$/;
const POSSIBLE_NAME = /^[\x21-\x7e][\x20-\x7e]*$/;
const POSSIBLE_BASE = /^[A-Za-z0-9].*[A-Za-z0-9)]$/;

/** Returns the first `limit` candidates before the offset `end`, in the order of their offsets. */
export function candidatesIn(bytes: Uint8Array, end: number, limit: number): readonly Candidate[] {
  const found: Candidate[] = [];
  const within = bytes.subarray(0, end);
  for (let at = within.indexOf(SECTION_TYPES.full); at !== -1; at = within.indexOf(SECTION_TYPES.full, at + 1)) {
    const candidate = candidateAt(within, at);
    if (candidate !== undefined) found.push(candidate);
    if (found.length === limit) break;
  }
  return found;
}

/**
 * Returns the candidate at the offset `at`, whatever its section type; undefined if the bytes do not look like a
 * header.
 */
export function candidateAt(bytes: Uint8Array, at: number): Candidate | undefined {
  // These bytes, the upper ones of the id and the length of the name, rule out nearly all offsets before any string is
  // made.
  if (bytes[at + 1] !== 0 || (bytes[at + 2] ?? 0xff) > MAX_ID >> 16 || (bytes[at + 5] ?? 0) < MIN_NAME_LENGTH) return;
  const header = sectionHeaderAt(bytes, at);
  if (header === undefined || header.version > MAX_VERSION || header.id > MAX_ID) return;
  const { name, instance } = header;
  if (!POSSIBLE_NAME.test(name) || !POSSIBLE_BASE.test(baseName(name))) return;
  const weight = (USUAL_NAME.test(name) ? 1 : 0.6) * (instance <= MAX_USUAL_INSTANCE ? 1 : 0.7);
  const isFull = bytes[at] === SECTION_TYPES.full;
  return { ...header, offset: at, weight, isFull, isEarly: hasPriority(name), lengthHint: lengthHintOf(header) };
}
