/**
 * Places in the device part of a state that look like the header of a full section.
 *
 * What real headers have in common (QEMU 7.2, migration/savevm.c; the numbers are those of its own devices):
 *
 *     section id  a counter from 0: never near a million
 *     name        printable ASCII; a path, such as 0000:00:03.0/, in front of what a programmer called the device
 *     instance    a counter, or something of the machine's such as an address: any u32
 *     version     a small number: the largest is 21 (qxl)
 */
import { hasPriority, type Node } from './chain.js';
import { baseName, SECTION_TYPES, sectionHeaderAt } from './section-header.js';
import { hintedLength } from './section-size-hints.js';

/** See {@link Node}: a weight says how much it looks like a header. */
export type Candidate = Node;

const LARGEST_ID = 1 << 20;
const LARGEST_VERSION = 1023;
/** Instances are mostly counters. */
const USUAL_INSTANCE = 0xffff;
/** `ram`, `cpu` and `fdc` are among the shortest names. */
const SHORTEST_NAME = 2;

const USUAL_NAME = /^[\w.:/@+,-]+$/;
const POSSIBLE_NAME = /^[\x21-\x7e][\x20-\x7e]*$/;
const POSSIBLE_BASE = /^[A-Za-z0-9].*[A-Za-z0-9)]$/;

/** The candidates before `end`, in order, but for what comes after the first `limit` of them. */
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

/** What stands at `at`, whatever its type. */
export function candidateAt(bytes: Uint8Array, at: number): Candidate | undefined {
  // The upper bytes of the id and the length of the name refuse nearly all, before a text is made of anything.
  if (bytes[at + 1] !== 0 || (bytes[at + 2] ?? 0xff) > LARGEST_ID >> 16 || (bytes[at + 5] ?? 0) < SHORTEST_NAME) return;
  const header = sectionHeaderAt(bytes, at);
  if (header === undefined || header.version > LARGEST_VERSION || header.id > LARGEST_ID) return;
  const { name, instance } = header;
  if (!POSSIBLE_NAME.test(name) || !POSSIBLE_BASE.test(baseName(name))) return;
  const weight = (USUAL_NAME.test(name) ? 1 : 0.6) * (instance <= USUAL_INSTANCE ? 1 : 0.7);
  const isFull = bytes[at] === SECTION_TYPES.full;
  return { ...header, offset: at, weight, isFull, isEarly: hasPriority(name), usual: hintedLength(header) };
}
