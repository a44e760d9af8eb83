/** A place in the body of a section that is read by its description. What is expected is put into words only when it is not there. */

import { printable, StubferryError } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import type { FieldDescription, StructDescription } from './description.js';
import { SUBSECTION } from './section-header.js';

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

/** How many fields may still be described, once arrays are unfolded. */
export class FieldBudget {
  readonly #limit: number;
  readonly #what: string;
  #left: number;

  /** @param what has so many fields: `a device`, `the state` */
  constructor(limit: number, what: string) {
    this.#limit = limit;
    this.#what = what;
    this.#left = limit;
  }

  get left(): number {
    return this.#left;
  }

  /** @throws StubferryError LIMIT_EXCEEDED */
  take(fields: number): void {
    this.#left -= fields;
    if (this.#left >= 0) return;
    throw new StubferryError('LIMIT_EXCEEDED', `${this.#what} has too many fields`, {
      expected: `at most ${this.#limit}`,
      found: 'more',
    });
  }
}

export class BodyCursor {
  readonly #body: Uint8Array;
  offset = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** The bytes from `from` to where this stands. */
  since(from: number): Uint8Array {
    return this.#body.subarray(from, this.offset);
  }

  /** @throws Misfit when there are fewer bytes than that */
  take(count: number, expected: () => string): Uint8Array {
    const from = this.offset;
    const left = this.#body.length - from;
    if (count > left) throw new Misfit(from, expected(), `${left}`);
    this.offset = from + count;
    return this.since(from);
  }

  /** The bytes of a field that is no struct. @throws Misfit */
  field(field: FieldDescription): Uint8Array {
    const from = this.offset;
    this.skip(field, 1);
    return this.since(from);
  }

  /** Passes over so many elements of a field. @throws Misfit */
  skip({ name, size }: FieldDescription, elements: number): void {
    const left = this.#body.length - this.offset;
    if (size * elements > left)
      throw new Misfit(this.offset, `${size * elements} bytes of ${printable(name)}`, `${left}`);
    this.offset += size * elements;
  }

  /** Passes over the header of a subsection, and returns the version in it. @throws Misfit */
  subsectionHeader({ vmsdName }: StructDescription): number {
    const expected = (): string => `subsection ${JSON.stringify(printable(vmsdName))}`;
    const at = this.offset;
    const [mark = 0, length = 0] = this.take(2, expected);
    const name = Buffer.from(this.take(length, expected)).toString('latin1');
    if (mark !== SUBSECTION || name !== vmsdName) throw new Misfit(at, expected(), 'something else');
    return viewOf(this.take(4, expected)).getUint32(0);
  }

  /** A struct that began at `from` must have taken as many bytes as its field says. @throws Misfit */
  endStruct({ name, size }: FieldDescription, from: number): void {
    const length = this.offset - from;
    if (length !== size) throw new Misfit(from, `${size} bytes of ${printable(name)}`, `${length} in its fields`);
  }

  /** @throws Misfit when there are bytes left */
  end(): void {
    if (this.offset !== this.#body.length) throw new Misfit(this.offset, 'the end of the section', 'more bytes');
  }

  /**
   * How many elements a field has; 1 if it is no array. Elements without a byte could be so many that looking at them never ends.
   * @throws Misfit for an array of elements of no bytes
   */
  elementsOf({ name, size, arrayLength = 1 }: FieldDescription): number {
    if (size > 0 || arrayLength <= 1) return arrayLength;
    throw new Misfit(this.offset, `elements of at least a byte in ${printable(name)}`, `${arrayLength} of no bytes`);
  }
}
