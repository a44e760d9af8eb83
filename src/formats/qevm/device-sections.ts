/**
 * The device part of a state, whole: finds its end, decides by what it can be split, and splits it.
 *
 *     description behind the end mark?            exact, and every field is checked against it
 *     else a footer in front of the end mark?     exact
 *     else                                        inferred
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

export interface SplitDevices {
  readonly split: SplitBy;
  readonly footers: boolean;
  readonly sections: readonly Omit<QevmSection, 'index'>[];
  readonly description: Description | undefined;
  readonly descriptionBytes: number;
}

/**
 * @param bytes from the first device section to the end of the state
 * @param offset of them within the state
 * @param footers what sections before have shown
 * @throws StubferryError
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
  const part = { bytes, offset, end, footers };
  const description = mark === undefined ? undefined : readDescription(bytes, mark, location, offset + mark);
  const { split, spans } = splitPart(part, description, location);
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

function splitPart(part: DeviceSections, description: Description | undefined, location: Location): Split {
  const hasIterable = part.end > 0 && part.bytes[0] !== SECTION_TYPES.full;
  if (description !== undefined && !hasIterable) {
    return { split: 'description', spans: splitDescribed(part, description, location) };
  }
  const atEnd = part.bytes[part.end - FOOTER_BYTES] === FOOTER;
  if (part.footers === true || hasIterable) return { split: 'footers', spans: splitByFooters(part, location) };
  if (part.footers === false || !atEnd) return inferred(part, location);
  try {
    return { split: 'footers', spans: splitByFooters(part, location) };
  } catch (error) {
    const split = inferred(part, location);
    // A body may end like a footer by chance; but then no other does.
    if (footersIn(part, split.spans) > 1) throw error;
    return split;
  }
}

/** @throws StubferryError when the sections end in footers, but for those that do not */
function inferred(part: DeviceSections, location: Location): Split {
  const spans = splitByInference(part, location);
  if (part.footers === undefined && footersIn(part, spans) > spans.length / 2) splitByFooters(part, location);
  return { split: 'inferred', spans };
}

function footersIn({ bytes }: DeviceSections, spans: readonly Span[]): number {
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

/** The hash copies what it is given into a memory that never shrinks. */
const HASH_AT_ONCE = 256 * 1024;

function digestOf(body: Uint8Array): string {
  const hash = createXxh64();
  for (let at = 0; at < body.length; at += HASH_AT_ONCE) hash.update(body.subarray(at, at + HASH_AT_ONCE));
  return hex64(hash.digest());
}
