/**
 * Splits the device part of a state by its description: exact, since that has the length of every body.
 *
 *     { header  body, as long as it is described  [footer] } ... end mark
 *
 * All of it must be as described: a name, a subsection or a length that is not is an error.
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { Misfit } from './body-cursor.js';
import { CheckBudget, checkBody } from './check-body.js';
import type { Description, DeviceDescription } from './description.js';
import { describedLength } from './fields.js';
import { hexByte, type Location, parseError } from './parse-error.js';
import { FOOTER, FOOTER_BYTES, isFooterAt, SECTION_TYPES, sectionHeaderAt } from './section-header.js';
import type { DeviceSections, Span } from './span.js';

/** @throws StubferryError CORRUPT */
export function splitDescribed(part: DeviceSections, { devices }: Description, location: Location): Span[] {
  const spans: Span[] = [];
  const budget = new CheckBudget();
  let { footers } = part;
  let at = 0;
  for (const device of devices) {
    const headed = headerOf(part, at, device, location);
    const bodyOffset = at + headed.headerBytes;
    const bodyLength = bodyLengthOf(part, bodyOffset, device, budget, location);
    const after = bodyOffset + bodyLength;
    footers ??= part.bytes[after] === FOOTER;
    if (footers && !isFooterAt(part.bytes.subarray(0, part.end), after, headed.id)) {
      const [expected, found] = [`0x7e and section id ${headed.id}`, hexByte(part.bytes[after])];
      const message = `${shown(device)} does not end in its footer`;
      throw parseError('CORRUPT', message, location, part.offset + after, expected, found);
    }
    const footerBytes = footers ? FOOTER_BYTES : 0;
    spans.push({ ...headed, type: 'full', offset: at, bodyLength, footerBytes, inferred: false, alternatives: [] });
    at = after + footerBytes;
  }
  if (at === part.end) return spans;
  const [expected, found] = [`the end mark after ${devices.length} described devices`, hexByte(part.bytes[at])];
  throw parseError('CORRUPT', 'there is more than is described', location, part.offset + at, expected, found);
}

function headerOf({ bytes, end, offset }: DeviceSections, at: number, device: DeviceDescription, location: Location) {
  const expected = `a section 0x04 ${shown(device)}`;
  const header = bytes[at] === SECTION_TYPES.full && at < end ? sectionHeaderAt(bytes.subarray(0, end), at) : undefined;
  if (header === undefined) {
    const message = 'a described section is not there';
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
  throw parseError('CORRUPT', 'another section than is described', location, offset + at, expected, shown(header));
}

function bodyLengthOf(
  part: DeviceSections,
  bodyOffset: number,
  device: DeviceDescription,
  budget: CheckBudget,
  location: Location,
): number {
  try {
    const body = part.bytes.subarray(bodyOffset, part.end);
    const length = describedLength(body, 0, device);
    if (length > body.length) throw new Misfit(body.length, `${length} bytes`, `${body.length}`);
    checkBody(body.subarray(0, length), device, budget);
    return length;
  } catch (error) {
    const offset = part.offset + bodyOffset;
    if (error instanceof Misfit) {
      const message = `${shown(device)} is not what its description says`;
      throw parseError('CORRUPT', message, location, offset + error.offset, error.expected, error.found);
    }
    throw error instanceof StubferryError ? error.at(location.where, location.base + offset) : error;
  }
}

function shown({ name, instance }: { readonly name: string; readonly instance: number }): string {
  return `${printable(name)}${instance === 0 ? '' : `:${instance}`}`;
}
