/**
 * Lists the fields of a section with their paths and bytes:
 *
 *     channels[0]/count                a field of an element of an array of structs
 *     (serial/poll)/poll_msl           a field of a subsection
 *     vmsd/parent_obj/config           a field of a struct in a struct
 *
 * Every byte of a body belongs to one of these fields or to the header of a subsection, which the description
 * determines.
 */
import { printable } from '../../base/errors/index.js';
import type { Field, Struct } from './fields.js';

/** A field that is not a struct. */
export interface FlatField {
  readonly path: string;
  readonly type: string;
  /** Offset, counted from the first byte of the body. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Yields the fields that are not structs, in the order of the body. */
export function* flatFields(struct: Struct, path = ''): Generator<FlatField> {
  for (const field of struct.fields) {
    const own = `${path}${labelOf(field)}`;
    if (field.struct === undefined) yield { path: own, type: field.type, offset: field.offset, bytes: field.bytes };
    else yield* flatFields(field.struct, `${own}/`);
  }
  for (const { name, ...subsection } of struct.subsections)
    yield* flatFields(subsection, `${path}(${printable(name)})/`);
}

function labelOf({ name, index }: Field): string {
  return `${printable(name)}${index === undefined ? '' : `[${index}]`}`;
}
