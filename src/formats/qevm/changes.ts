/** What differs between two bodies of one device: fields where they are known, else bytes. */
import { differingRanges } from './byte-ranges.js';
import { isClockByte, isClockField } from './clock-fields.js';
import type { Struct } from './fields.js';
import { type FlatField, flatFields } from './flat-fields.js';

export interface Change {
  /** The path of a field, of bytes within a large one `path+0x0c..0x0f`; undefined where only bytes are known. */
  readonly field: string | undefined;
  readonly type: string | undefined;
  /** From the first byte of the body (of the state before, where it is there). */
  readonly offset: number;
  /** Undefined where the field is not there. */
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
}

export interface Changes {
  readonly changes: readonly Change[];
  readonly ignored: number;
  readonly clocksUnknown: boolean;
}

/** A field of more bytes than this is no number: it is told byte by byte. */
const LARGEST_NUMBER = 8;

export function changedFields(name: string, before: Struct, after: Struct, ignoreClock: boolean): Changes {
  const [here, there] = [byPath(before), byPath(after)];
  const found: Change[] = [];
  let ignored = 0;
  for (const path of new Set([...here.keys(), ...there.keys()])) {
    const [one, other] = [here.get(path), there.get(path)];
    const field = one ?? other;
    if (field === undefined || (one !== undefined && other !== undefined && isSame(one, other))) continue;
    const isLarge = one !== undefined && one.bytes.length === other?.bytes.length && one.bytes.length > LARGEST_NUMBER;
    if (isLarge && other !== undefined) {
      const of = changedWithin(name, one, other, ignoreClock);
      found.push(...of.changes);
      ignored += of.ignored;
    } else if (ignoreClock && isClockField(name, field)) ignored += 1;
    else found.push({ field: path, type: field.type, offset: field.offset, before: one?.bytes, after: other?.bytes });
  }
  return { changes: found, ignored, clocksUnknown: false };
}

/** Fields of the same name twice in a struct are told apart by their number. */
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

/** Runs of bytes that differ, without those that are `ignored`: how many runs were, in part or whole. */
function runsWithout(
  before: Uint8Array,
  after: Uint8Array,
  isIgnored: (at: number) => boolean,
): { readonly runs: readonly (readonly [number, number])[]; readonly ignored: number } {
  const runs: [number, number][] = [];
  let ignored = 0;
  for (const { offset, before: length } of differingRanges(before, after)) {
    let left = 0;
    for (let at = offset; at < offset + length; at += 1) {
      if (before[at] === after[at] || isIgnored(at)) continue;
      const last = runs.at(-1);
      if (last !== undefined && left > 0 && last[0] + last[1] === at) last[1] += 1;
      else runs.push([at, 1]);
      left += 1;
    }
    if (left < length) ignored += 1;
  }
  return { runs, ignored };
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
