/** Finds the changes between two bodies of one device: by field if the fields are known, and otherwise by bytes. */
import { differingRanges } from './byte-ranges.js';
import { isClockByte, isClockField } from './clock-fields.js';
import type { Struct } from './fields.js';
import { type FlatField, flatFields } from './flat-fields.js';

/** A change of a field, or of a run of bytes. */
export interface Change {
  /** The path of a field; `path+0x0c..0x0f` for bytes of a large field; undefined if the fields are not known. */
  readonly field: string | undefined;
  readonly type: string | undefined;
  /** Offset, counted from the start of the body: of the first body, if that contains the field. */
  readonly offset: number;
  /** The bytes in the first body; undefined if the first body does not contain the field. */
  readonly before: Uint8Array | undefined;
  /** The bytes in the second body; undefined if the second body does not contain the field. */
  readonly after: Uint8Array | undefined;
}

/** The changes between two bodies. */
export interface Changes {
  readonly changes: readonly Change[];
  /** Number of further changes, which are ignored because they are changes of clocks. */
  readonly ignored: number;
  /** Whether the device has clocks at unknown offsets: a change may be one of a clock. */
  readonly clocksUnknown: boolean;
}

/** A field of more bytes than this is not a number: its changes are reported by bytes. */
const MAX_NUMBER_BYTES = 8;

/** Finds the changes by field. @param name the name of the section, with or without the path of the device */
export function changedFields(name: string, before: Struct, after: Struct, ignoreClock: boolean): Changes {
  const [fieldsBefore, fieldsAfter] = [byPath(before), byPath(after)];
  const found: Change[] = [];
  let ignored = 0;
  for (const path of new Set([...fieldsBefore.keys(), ...fieldsAfter.keys()])) {
    const [one, other] = [fieldsBefore.get(path), fieldsAfter.get(path)];
    const field = one ?? other;
    if (field === undefined || (one !== undefined && other !== undefined && isSame(one, other))) continue;
    const isLarge =
      one !== undefined && one.bytes.length === other?.bytes.length && one.bytes.length > MAX_NUMBER_BYTES;
    if (isLarge && other !== undefined) {
      const inner = changedWithin(name, one, other, ignoreClock);
      found.push(...inner.changes);
      ignored += inner.ignored;
    } else if (ignoreClock && isClockField(name, field)) ignored += 1;
    else found.push({ field: path, type: field.type, offset: field.offset, before: one?.bytes, after: other?.bytes });
  }
  return { changes: found, ignored, clocksUnknown: false };
}

/**
 * Returns the fields by path. A number is added to the path of a field whose name occurs more than once in its struct.
 */
function byPath(struct: Struct): Map<string, FlatField> {
  const fields = new Map<string, FlatField>();
  const counts = new Map<string, number>();
  for (const field of flatFields(struct)) {
    const number = (counts.get(field.path) ?? 0) + 1;
    counts.set(field.path, number);
    fields.set(number === 1 ? field.path : `${field.path} (${number})`, field);
  }
  return fields;
}

function isSame(one: FlatField, other: FlatField): boolean {
  return Buffer.compare(one.bytes, other.bytes) === 0;
}

function changedWithin(name: string, one: FlatField, other: FlatField, ignoreClock: boolean): Changes {
  const isClock = (at: number): boolean => ignoreClock && isClockField(name, one, at);
  const { runs, ignored } = runsWithout(one.bytes, other.bytes, isClock);
  const changes = runs.map(([at, length]): Change => {
    const last = length > 1 ? `..0x${hex(at + length - 1)}` : '';
    const [before, after] = [one, other].map(({ bytes }) => bytes.subarray(at, at + length));
    return { field: `${one.path}+0x${hex(at)}${last}`, type: one.type, offset: one.offset + at, before, after };
  });
  return { changes, ignored, clocksUnknown: false };
}

/**
 * Finds the changes by bytes.
 *
 * @param name the name of the section, with or without the path of the device
 * @param version the version of the section, which determines the offsets of its clocks
 */
export function changedBytes(
  name: string,
  version: number,
  before: Uint8Array,
  after: Uint8Array,
  ignoreClock: boolean,
): Changes {
  const none = { field: undefined, type: undefined };
  const clocksUnknown = ignoreClock && isClockByte(name, version, 0) === undefined;
  if (before.length !== after.length) {
    const changes = differingRanges(before, after).map(({ offset, before: from, after: to }) => {
      return {
        ...none,
        offset,
        before: before.subarray(offset, offset + from),
        after: after.subarray(offset, offset + to),
      };
    });
    return { changes, ignored: 0, clocksUnknown };
  }
  const isClock = (at: number): boolean => ignoreClock && isClockByte(name, version, at) === true;
  const { runs, ignored } = runsWithout(before, after, isClock);
  const changes = runs.map(([offset, length]) => {
    const end = offset + length;
    return { ...none, offset, before: before.subarray(offset, end), after: after.subarray(offset, end) };
  });
  return { changes, ignored, clocksUnknown: clocksUnknown && changes.length > 0 };
}

/**
 * Returns the runs of differing bytes, without the ignored bytes.
 *
 * @returns `ignored`: how many runs contain ignored bytes
 */
function runsWithout(
  before: Uint8Array,
  after: Uint8Array,
  isIgnored: (at: number) => boolean,
): { readonly runs: readonly (readonly [number, number])[]; readonly ignored: number } {
  const runs: [number, number][] = [];
  let ignored = 0;
  for (const { offset, before: length } of differingRanges(before, after)) {
    let kept = 0;
    for (let at = offset; at < offset + length; at += 1) {
      if (before[at] === after[at] || isIgnored(at)) continue;
      const last = runs.at(-1);
      if (last !== undefined && kept > 0 && last[0] + last[1] === at) last[1] += 1;
      else runs.push([at, 1]);
      kept += 1;
    }
    if (kept < length) ignored += 1;
  }
  return { runs, ignored };
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
