/**
 * The fields of a section, by its description. Offsets are from the first byte of the section's body.
 *
 *     body = fields, in order; then subsections: 0x05, u8 n, n bytes of name, u32 version, fields, subsections
 */
import { BodyCursor, FieldBudget } from './body-cursor.js';
import type { FieldDescription, StructDescription } from './description.js';
import { QEVM_LIMITS } from './limits.js';

export interface Field {
  readonly name: string;
  /** Place in its array. */
  readonly index: number | undefined;
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  /** Its bytes, as they are in the state: big-endian where it is a number. */
  readonly bytes: Uint8Array;
  /** Of a struct. */
  readonly struct: Struct | undefined;
}

export interface Struct {
  readonly fields: readonly Field[];
  readonly subsections: readonly Subsection[];
}

export interface Subsection extends Struct {
  readonly name: string;
  readonly version: number;
  /** Of its 0x05. */
  readonly offset: number;
}

/**
 * @throws Misfit when the bytes are not what is described
 * @throws StubferryError LIMIT_EXCEEDED
 */
export function readFields(body: Uint8Array, description: StructDescription): Struct {
  const reader = new FieldReader(body);
  const struct = reader.struct(description);
  reader.cursor.end();
  return struct;
}

/**
 * How many bytes a body takes that begins at `start`, which is all that is needed to find the next section. Only the
 * subsections of the device itself are looked at.
 * @throws Misfit
 */
export function describedLength(bytes: Uint8Array, start: number, description: StructDescription): number {
  let length = lengthOf(description);
  const all = new BodyCursor(bytes.subarray(start));
  for (const subsection of description.subsections) {
    all.offset = length;
    all.subsectionHeader(subsection);
    length = all.offset + describedLength(bytes, start + all.offset, subsection);
  }
  return length;
}

function lengthOf({ fields }: StructDescription): number {
  return fields.reduce((sum, { size, arrayLength = 1 }) => sum + size * arrayLength, 0);
}

class FieldReader {
  readonly cursor: BodyCursor;
  readonly #budget = new FieldBudget(QEVM_LIMITS.fields, 'a device');

  constructor(body: Uint8Array) {
    this.cursor = new BodyCursor(body);
  }

  struct(description: StructDescription): Struct {
    const fields: Field[] = [];
    for (const field of description.fields) {
      const elements = this.cursor.elementsOf(field);
      this.#budget.take(Math.max(1, elements));
      if (field.arrayLength === undefined) fields.push(this.#field(field, field.index));
      else for (let at = 0; at < elements; at += 1) fields.push(this.#field(field, at));
    }
    const subsections = description.subsections.map((subsection) => this.#subsection(subsection));
    return { fields, subsections };
  }

  #field(field: FieldDescription, index: number | undefined): Field {
    const { name, type, size: length, struct } = field;
    const { offset } = this.cursor;
    if (struct === undefined)
      return { name, index, type, offset, length, bytes: this.cursor.field(field), struct: undefined };
    const value = this.struct(struct);
    this.cursor.endStruct(field, offset);
    return { name, index, type, offset, length, bytes: this.cursor.since(offset), struct: value };
  }

  #subsection(description: StructDescription): Subsection {
    const { offset } = this.cursor;
    const version = this.cursor.subsectionHeader(description);
    return { name: description.vmsdName, version, offset, ...this.struct(description) };
  }
}
