/**
 * Splits the device sections of a complete state. It finds their end mark, chooses one of three ways to split, and
 * splits.
 *
 *     a description follows the end mark           split by description: exact, and every field is checked
 *     otherwise, a footer precedes the end mark    split by footers: exact
 *     otherwise                                    inferred split
 */
import { createXxh64, hex64 } from '../protocol/xxh64.js';
import type { Description } from './description.js';
import { descriptionMarkIn, readDescription } from './description-text.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import { END_OF_STATE, FOOTER, FOOTER_BYTES, isFooterAt, SECTION_TYPES } from './section-header.js';
import type { DeviceSections, Span } from './span.js';
import { splitDescribed } from './split-described.js';
import { splitByFooters } from './split-footers.js';
import { splitByInference } from './split-inferred.js';
import type { QevmSection, SplitBy } from './state.js';

/** The sections and the description that {@link splitDeviceSections} finds. */
export interface SplitDevices {
  readonly split: SplitBy;
  /** Whether the sections end in footers. */
  readonly footers: boolean;
  readonly sections: readonly Omit<QevmSection, 'index'>[];
  readonly description: Description | undefined;
  /** Length of the description's JSON text, in bytes; 0 if there is no description. */
  readonly descriptionBytes: number;
}

/**
 * Splits the device sections of a state.
 *
 * @param bytes the bytes from the first device section to the end of the state
 * @param offset offset of these bytes in the state
 * @param footers whether the sections before these end in footers; undefined if there are none
 * @throws StubferryError TRUNCATED, CORRUPT, LIMIT_EXCEEDED
 */
export function splitDeviceSections(
  bytes: Uint8Array,
  offset: number,
  footers: boolean | undefined,
  location: Location,
): SplitDevices {
  const mark = descriptionMarkIn(bytes);
  const end = (mark ?? bytes.length) - 1;
  if (bytes[end] !== END_OF_STATE) {
    const found = hexByte(bytes[end]);
    const hint = 'it was not completely written or copied: save it again or copy it again';
    const message = 'the QEMU state does not end in its end mark';
    throw parseError('TRUNCATED', message, location, offset + bytes.length, '0x00 as its last byte', found, hint);
  }
  const sections = { bytes, offset, end, footers };
  const description = mark === undefined ? undefined : readDescription(bytes, mark, location, offset + mark);
  const { split, spans } = splitSections(sections, description, location);
  return {
    split,
    footers: spans.some(({ footerBytes }) => footerBytes > 0),
    sections: spans.map((span) => sectionOf(span, bytes, offset)),
    description,
    descriptionBytes: mark === undefined ? 0 : bytes.length - mark - FOOTER_BYTES,
  };
}

interface Split {
  readonly split: SplitBy;
  readonly spans: readonly Span[];
}

function splitSections(sections: DeviceSections, description: Description | undefined, location: Location): Split {
  const { bytes, end, footers } = sections;
  const hasIterable = end > 0 && bytes[0] !== SECTION_TYPES.full;
  if (description !== undefined && !hasIterable) {
    return { split: 'description', spans: splitDescribed(sections, description, location) };
  }
  const hasFooterAtEnd = bytes[end - FOOTER_BYTES] === FOOTER;
  if (footers === true || hasIterable) return { split: 'footers', spans: splitByFooters(sections, location) };
  if (footers === false || !hasFooterAtEnd) return splitInferred(sections, location);
  try {
    return { split: 'footers', spans: splitByFooters(sections, location) };
  } catch (error) {
    const split = splitInferred(sections, location);
    // One body may end like a footer by chance, but it is unlikely that a second one does.
    if (countFooters(sections, split.spans) > 1) throw error;
    return split;
  }
}

/** @throws StubferryError CORRUPT: when most sections, but not all of them, end in footers */
function splitInferred(sections: DeviceSections, location: Location): Split {
  const spans = splitByInference(sections, location);
  if (sections.footers === undefined && countFooters(sections, spans) > spans.length / 2) {
    splitByFooters(sections, location);
  }
  return { split: 'inferred', spans };
}

function countFooters({ bytes }: DeviceSections, spans: readonly Span[]): number {
  return spans.filter(({ offset, headerBytes, bodyLength, id }) => {
    return bodyLength >= FOOTER_BYTES && isFooterAt(bytes, offset + headerBytes + bodyLength - FOOTER_BYTES, id);
  }).length;
}

function sectionOf(span: Span, bytes: Uint8Array, base: number): Omit<QevmSection, 'index'> {
  const { id, name, instance, version, type, offset, headerBytes, bodyLength, footerBytes } = span;
  const start = offset + headerBytes;
  return {
    ...{ id, name, instance, version, type, offset: base + offset },
    ...{ length: headerBytes + bodyLength + footerBytes, bodyOffset: base + start, bodyLength },
    xxh64: digestOf(bytes.subarray(start, start + bodyLength)),
    inferred: span.inferred,
    alternatives: span.alternatives.map((at) => base + at),
  };
}

/** Bytes per update of the hash. The hash copies its input into a buffer that never shrinks. */
const HASH_CHUNK = 256 * 1024;

function digestOf(body: Uint8Array): string {
  const hash = createXxh64();
  for (let at = 0; at < body.length; at += HASH_CHUNK) hash.update(body.subarray(at, at + HASH_CHUNK));
  return hex64(hash.digest());
}
