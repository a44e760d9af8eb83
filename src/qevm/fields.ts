/**
 * The fields of a section, by its description. Offsets are from the first byte of the section's body.
 *
 *     body = fields, in order; then subsections: 0x05, u8 n, n bytes of name, u32 version, fields, subsections
 */
import { viewOf } from '../codec/block.js';
import { printable, StubferryError } from '../errors/index.js';
import type { FieldDescription, StructDescription } from './description.js';
import { QEVM_LIMITS } from './limits.js';
import { SUBSECTION } from './section-header.js';

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

/** What a description says that a body is too short for, or that it contradicts: the offset is from the body's start. */
export class Misfit extends Error {
  readonly offset: number;
  readonly expected: string;
  readonly found: string;

  constructor(offset: number, expected: string, found: string) {
    super('the body is not what its description says');
    this.offset = offset;
    this.expected = expected;
    this.found = found;
  }
}

/**
 * @throws Misfit when the bytes are not what is described
 * @throws StubferryError LIMIT_EXCEEDED
 */
export function readFields(body: Uint8Array, description: StructDescription): Struct {
  const reader = new FieldReader(body);
  const struct = reader.struct(description);
  if (reader.offset !== body.length) throw new Misfit(reader.offset, 'the end of the section', 'more bytes');
  return struct;
}

/**
 * How many bytes a body takes that begins at `start`, which is all that is needed to find the next section. Only the
 * subsections of the device itself are looked at.
 * @throws Misfit
 */
export function describedLength(bytes: Uint8Array, start: number, description: StructDescription): number {
  let length = lengthOf(description);
  const all = new FieldReader(bytes.subarray(start));
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
  readonly #body: Uint8Array;
  #fields = 0;
  offset = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  struct(description: StructDescription): Struct {
    const fields: Field[] = [];
    for (const field of description.fields) {
      const { arrayLength, index } = field;
      this.#count(arrayLength ?? 1);
      if (arrayLength === undefined) fields.push(this.#field(field, index));
      else for (let at = 0; at < arrayLength; at += 1) fields.push(this.#field(field, at));
    }
    const subsections = description.subsections.map((subsection) => this.#subsection(subsection));
    return { fields, subsections };
  }

  /** Passes over the header of a subsection. */
  subsectionHeader({ vmsdName }: StructDescription): number {
    const expected = `subsection ${JSON.stringify(printable(vmsdName))}`;
    const at = this.offset;
    const [mark = 0, length = 0] = this.#take(2, expected);
    const name = Buffer.from(this.#take(length, expected)).toString('latin1');
    if (mark !== SUBSECTION || name !== vmsdName) throw new Misfit(at, expected, 'something else');
    return viewOf(this.#take(4, expected)).getUint32(0);
  }

  #field({ name, type, size, struct }: FieldDescription, index: number | undefined): Field {
    const offset = this.offset;
    if (struct === undefined) {
      const bytes = this.#take(size, `${size} bytes of ${printable(name)}`);
      return { name, index, type, offset, length: size, bytes, struct: undefined };
    }
    const value = this.struct(struct);
    const length = this.offset - offset;
    if (length !== size) throw new Misfit(offset, `${size} bytes of ${printable(name)}`, `${length} in its fields`);
    return { name, index, type, offset, length, bytes: this.#body.subarray(offset, this.offset), struct: value };
  }

  #subsection(description: StructDescription): Subsection {
    const offset = this.offset;
    const version = this.subsectionHeader(description);
    return { name: description.vmsdName, version, offset, ...this.struct(description) };
  }

  #take(count: number, expected: string): Uint8Array {
    const end = this.offset + count;
    if (end > this.#body.length) throw new Misfit(this.offset, expected, `${this.#body.length - this.offset}`);
    const bytes = this.#body.subarray(this.offset, end);
    this.offset = end;
    return bytes;
  }

  #count(fields: number): void {
    this.#fields += fields;
    if (this.#fields <= QEVM_LIMITS.fields) return;
    throw new StubferryError('LIMIT_EXCEEDED', 'a device has too many fields', {
      expected: `at most ${QEVM_LIMITS.fields}`,
      found: 'more',
    });
  }
}
