/**
 * Reads the fields of a section by its description. Offsets are counted from the first byte of the section's body.
 *
 *     body = fields, in order; then subsections: 0x05, u8 n, n bytes of name, u32 version, fields, subsections
 */
import { BodyCursor, FieldBudget } from './body-cursor.js';
import type { FieldDescription, StructDescription } from './description.js';
import { QEVM_LIMITS } from './limits.js';

/** A field, or an element of an array. */
export interface Field {
  readonly name: string;
  /** Index in the array; undefined if the field is not an array element. */
  readonly index: number | undefined;
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  /** The bytes in the state; numbers are big-endian. */
  readonly bytes: Uint8Array;
  /** The fields of the struct; undefined if the field is not a struct. */
  readonly struct: Struct | undefined;
}

/** The fields and subsections of a struct or of a device. */
export interface Struct {
  readonly fields: readonly Field[];
  readonly subsections: readonly Subsection[];
}

/** A subsection of a struct or of a device. */
export interface Subsection extends Struct {
  readonly name: string;
  readonly version: number;
  /** Offset of its first byte, 0x05. */
  readonly offset: number;
}

/**
 * Reads the fields of a body.
 *
 * @throws DescriptionMismatch: when the body does not match its description
 * @throws StubferryError LIMIT_EXCEEDED: when the device has too many fields
 */
export function readFields(body: Uint8Array, description: StructDescription): Struct {
  const reader = new FieldReader(body);
  const struct = reader.struct(description);
  reader.cursor.end();
  return struct;
}

/**
 * Returns the length in bytes of a body that begins at the offset `start`. The length is all that is needed to find the
 * next section. Only the subsections of the device itself are read.
 *
 * @throws DescriptionMismatch: when a subsection does not match
 */
export function describedLength(bytes: Uint8Array, start: number, description: StructDescription): number {
  let length = lengthOf(description);
  const cursor = new BodyCursor(bytes.subarray(start));
  for (const subsection of description.subsections) {
    cursor.offset = length;
    cursor.subsectionHeader(subsection);
    length = cursor.offset + describedLength(bytes, start + cursor.offset, subsection);
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
