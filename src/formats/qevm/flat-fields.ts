/**
 * The fields of a section by their paths, each with its bytes:
 *
 *     channels[0]/count                an element of an array of structs
 *     (serial/poll)/poll_msl           of a subsection
 *     vmsd/parent_obj/config           of a struct in a struct
 *
 * Every byte of a body is in one of them, or is what the description says must be there.
 */
import { printable } from '../../base/errors/index.js';
import type { Field, Struct } from './fields.js';

export interface FlatField {
  readonly path: string;
  readonly type: string;
  /** From the first byte of the body. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Those that are no structs themselves, in the order of the body. */
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
