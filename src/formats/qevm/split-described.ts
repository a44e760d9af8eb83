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
import { complaint, hexByte, type Place } from './complaint.js';
import type { Description, DeviceDescription } from './description.js';
import { describedLength } from './fields.js';
import type { DevicePart, Piece } from './piece.js';
import { FOOTER, FOOTER_BYTES, isFooterAt, SECTION_TYPES, sectionHeaderAt } from './section-header.js';

/** @throws StubferryError CORRUPT */
export function splitDescribed(part: DevicePart, { devices }: Description, place: Place): Piece[] {
  const pieces: Piece[] = [];
  const budget = new CheckBudget();
  let { footers } = part;
  let at = 0;
  for (const device of devices) {
    const headed = headerOf(part, at, device, place);
    const bodyOffset = at + headed.headerBytes;
    const bodyLength = bodyLengthOf(part, bodyOffset, device, budget, place);
    const after = bodyOffset + bodyLength;
    footers ??= part.bytes[after] === FOOTER;
    if (footers && !isFooterAt(part.bytes.subarray(0, part.end), after, headed.id)) {
      const [expected, found] = [`0x7e and section id ${headed.id}`, hexByte(part.bytes[after])];
      const message = `${shown(device)} does not end in its footer`;
      throw complaint('CORRUPT', message, place, part.offset + after, expected, found);
    }
    const footerBytes = footers ? FOOTER_BYTES : 0;
    pieces.push({ ...headed, type: 'full', offset: at, bodyLength, footerBytes, inferred: false, alternatives: [] });
    at = after + footerBytes;
  }
  if (at === part.end) return pieces;
  const [expected, found] = [`the end mark after ${devices.length} described devices`, hexByte(part.bytes[at])];
  throw complaint('CORRUPT', 'there is more than is described', place, part.offset + at, expected, found);
}

function headerOf({ bytes, end, offset }: DevicePart, at: number, device: DeviceDescription, place: Place) {
  const expected = `a section 0x04 ${shown(device)}`;
  const header = bytes[at] === SECTION_TYPES.full && at < end ? sectionHeaderAt(bytes.subarray(0, end), at) : undefined;
  if (header === undefined) {
    const message = 'a described section is not there';
    throw complaint('CORRUPT', message, place, offset + at, expected, at < end ? hexByte(bytes[at]) : 'the end mark');
  }
  if (header.name === device.name && header.instance === device.instance) return header;
  throw complaint('CORRUPT', 'another section than is described', place, offset + at, expected, shown(header));
}

function bodyLengthOf(
  part: DevicePart,
  bodyOffset: number,
  device: DeviceDescription,
  budget: CheckBudget,
  place: Place,
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
      throw complaint('CORRUPT', message, place, offset + error.offset, error.expected, error.found);
    }
    throw error instanceof StubferryError ? error.at(place.where, place.base + offset) : error;
  }
}

function shown({ name, instance }: { readonly name: string; readonly instance: number }): string {
  return `${printable(name)}${instance === 0 ? '' : `:${instance}`}`;
}
