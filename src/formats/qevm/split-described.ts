/**
 * Splits the device sections of a state by its description. This split is exact, because the description contains the
 * length of every body.
 *
 *     { header  body, as long as the description says  [footer] } ... end mark
 *
 * Everything must match the description. Another name, subsection or length is an error.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { DescriptionMismatch } from './body-cursor.js';
import { CheckBudget, checkBody } from './check-body.js';
import type { Description, DeviceDescription } from './description.js';
import { describedLength } from './fields.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import { FOOTER, FOOTER_BYTES, isFooterAt, SECTION_TYPES, sectionHeaderAt } from './section-header.js';
import type { DeviceSections, Span } from './span.js';

/**
 * Splits the device sections by the description, and checks every body against it.
 *
 * @throws StubferryError CORRUPT: when a section does not match the description; LIMIT_EXCEEDED: when the state or the
 * description has too many fields
 */
export function splitDescribed(sections: DeviceSections, { devices }: Description, location: Location): Span[] {
  const spans: Span[] = [];
  const budget = new CheckBudget();
  let { footers } = sections;
  let at = 0;
  for (const device of devices) {
    const header = headerOf(sections, at, device, location);
    const bodyOffset = at + header.headerBytes;
    const bodyLength = bodyLengthOf(sections, bodyOffset, device, budget, location);
    const after = bodyOffset + bodyLength;
    footers ??= sections.bytes[after] === FOOTER;
    if (footers && !isFooterAt(sections.bytes.subarray(0, sections.end), after, header.id)) {
      const [expected, found] = [`0x7e and section id ${header.id}`, hexByte(sections.bytes[after])];
      const message = `${labelOf(device)} does not end in its footer`;
      throw parseError('CORRUPT', message, location, sections.offset + after, expected, found);
    }
    const footerBytes = footers ? FOOTER_BYTES : 0;
    spans.push({ ...header, type: 'full', offset: at, bodyLength, footerBytes, inferred: false, alternatives: [] });
    at = after + footerBytes;
  }
  if (at === sections.end) return spans;
  const [expected, found] = [`the end mark after ${devices.length} described devices`, hexByte(sections.bytes[at])];
  const message = 'the state contains more than its description';
  throw parseError('CORRUPT', message, location, sections.offset + at, expected, found);
}

function headerOf({ bytes, end, offset }: DeviceSections, at: number, device: DeviceDescription, location: Location) {
  const expected = `a section 0x04 ${labelOf(device)}`;
  const header = bytes[at] === SECTION_TYPES.full && at < end ? sectionHeaderAt(bytes.subarray(0, end), at) : undefined;
  if (header === undefined) {
    const message = 'a described section is missing';
    throw parseError(
      'CORRUPT',
      message,
      location,
      offset + at,
      expected,
      at < end ? hexByte(bytes[at]) : 'the end mark',
    );
  }
  if (header.name === device.name && header.instance === device.instance) return header;
  const message = 'the description names another section here';
  throw parseError('CORRUPT', message, location, offset + at, expected, labelOf(header));
}

function bodyLengthOf(
  sections: DeviceSections,
  bodyOffset: number,
  device: DeviceDescription,
  budget: CheckBudget,
  location: Location,
): number {
  try {
    const body = sections.bytes.subarray(bodyOffset, sections.end);
    const length = describedLength(body, 0, device);
    if (length > body.length) throw new DescriptionMismatch(body.length, `${length} bytes`, `${body.length}`);
    checkBody(body.subarray(0, length), device, budget);
    return length;
  } catch (error) {
    const offset = sections.offset + bodyOffset;
    if (error instanceof DescriptionMismatch) {
      const message = `${labelOf(device)} does not match its description`;
      throw parseError('CORRUPT', message, location, offset + error.offset, error.expected, error.found);
    }
    throw error instanceof StubferryError ? error.at(location.where, location.base + offset) : error;
  }
}

function labelOf({ name, instance }: { readonly name: string; readonly instance: number }): string {
  return `${printable(name)}${instance === 0 ? '' : `:${instance}`}`;
}
