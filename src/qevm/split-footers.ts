/**
 * Splits the device part of a state by its footers.
 *
 *     header of S  body  0x7e S | header of T  body  0x7e T | ... | 0x00
 *
 * A body has no length, and may by chance hold the bytes of a footer and of a header behind it. So every place at which
 * a footer is followed by a header is taken for a possible boundary, and those are kept that make a chain: the footer in
 * front of each names the section before it. That leaves one reading, since no two full sections have the same id: cut
 * the body of S in two, and both parts must be called S. Where there is more than one way to read it all the same, the
 * sections concerned are marked as inferred.
 */
import { viewOf } from '../codec/block.js';
import { printable } from '../errors/index.js';
import { complaint, hexByte, type Place } from './complaint.js';
import { QEVM_LIMITS } from './limits.js';
import type { DevicePart, Piece } from './piece.js';
import {
  FOOTER,
  FOOTER_BYTES,
  SECTION_TYPES,
  type SectionHeader,
  type SectionType,
  sectionHeaderAt,
} from './section-header.js';

interface Node extends SectionHeader {
  readonly type: SectionType;
  readonly offset: number;
  readonly before: Node | undefined;
  /** There is another section of the same id in front that could end in this one's footer. */
  readonly doubtful: boolean;
}

/** Of a part or end section: type and id. */
const CONTINUATION_BYTES = 5;

/** @throws StubferryError CORRUPT, LIMIT_EXCEEDED */
export function splitByFooters(part: DevicePart, place: Place): Piece[] {
  const { bytes, end } = part;
  if (end === 0) return [];
  const chain = new Chain(part, place);
  for (let at = bytes.indexOf(FOOTER); at !== -1 && at + FOOTER_BYTES < end; at = bytes.indexOf(FOOTER, at + 1)) {
    chain.boundary(at + FOOTER_BYTES);
  }
  return chain.pieces();
}

class Chain {
  readonly #part: DevicePart;
  readonly #bytes: Uint8Array;
  readonly #place: Place;
  /** The last section that can be reached, by id; and whether there are several. */
  readonly #reached = new Map<number, Node>();
  readonly #several = new Set<number>();
  readonly #names = new Map<number, SectionHeader>();
  #count = 0;
  #last: Node | undefined;

  constructor(part: DevicePart, place: Place) {
    this.#part = part;
    this.#bytes = part.bytes.subarray(0, part.end);
    this.#place = place;
    const first = this.#nodeAt(0, undefined);
    if (first === undefined) {
      const found = hexByte(part.bytes[0]);
      throw complaint('CORRUPT', 'no section begins here', place, part.offset, 'the header of a section', found);
    }
    this.#reach(first);
  }

  /** A footer ends at `at`. */
  boundary(at: number): void {
    const before = this.#endsAt(at);
    const node = before === undefined ? undefined : this.#nodeAt(at, before);
    if (node !== undefined) this.#reach(node);
  }

  pieces(): Piece[] {
    const { end, offset } = this.#part;
    const pieces: Piece[] = [];
    let node = this.#endsAt(end);
    if (node === undefined) {
      const { name, offset: at = 0 } = this.#last ?? {};
      const message = `the section ${printable(name ?? '')} does not end in its footer`;
      const expected = `0x7e, section id ${this.#last?.id}, and the next section or the end mark`;
      throw complaint('CORRUPT', message, this.#place, offset + at, expected, 'neither, up to the end of the state');
    }
    for (let after = end; node !== undefined; node = node.before) {
      const bodyLength = after - FOOTER_BYTES - node.offset - node.headerBytes;
      const inferred = node.doubtful;
      pieces.push({ ...node, bodyLength, footerBytes: FOOTER_BYTES, inferred, alternatives: [] });
      after = node.offset;
    }
    return pieces.reverse();
  }

  /** The section that the footer in front of `at` is of. */
  #endsAt(at: number): Node | undefined {
    const footer = at - FOOTER_BYTES;
    if (footer < 0 || this.#bytes[footer] !== FOOTER) return undefined;
    const node = this.#reached.get(viewOf(this.#bytes).getUint32(footer + 1));
    return node !== undefined && node.offset + node.headerBytes <= footer ? node : undefined;
  }

  #nodeAt(at: number, before: Node | undefined): Node | undefined {
    const type = typeOf(this.#bytes[at]);
    if (type === undefined) return undefined;
    const header = type === 'start' || type === 'full' ? sectionHeaderAt(this.#bytes, at) : this.#continuationAt(at);
    if (header === undefined || header.headerBytes === 0) return undefined;
    return { ...header, type, offset: at, before, doubtful: before !== undefined && this.#several.has(before.id) };
  }

  #continuationAt(at: number): SectionHeader | undefined {
    if (at + CONTINUATION_BYTES > this.#bytes.length) return undefined;
    const started = this.#names.get(viewOf(this.#bytes).getUint32(at + 1));
    return started === undefined ? undefined : { ...started, headerBytes: CONTINUATION_BYTES };
  }

  #reach(node: Node): void {
    this.#count += 1;
    if (this.#count > QEVM_LIMITS.sections) {
      const expected = `at most ${QEVM_LIMITS.sections}`;
      throw complaint('LIMIT_EXCEEDED', 'too many sections', this.#place, node.offset, expected, 'more');
    }
    if (node.type === 'full' && this.#reached.has(node.id)) this.#several.add(node.id);
    if (node.type === 'start') this.#names.set(node.id, node);
    this.#reached.set(node.id, node);
    this.#last = node;
  }
}

const TYPES = new Map<number, SectionType>(
  Object.entries(SECTION_TYPES).map(([type, byte]) => [byte, type as SectionType]),
);

function typeOf(byte: number | undefined): SectionType | undefined {
  return byte === undefined ? undefined : TYPES.get(byte);
}
