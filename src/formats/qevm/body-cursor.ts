/**
 * The position in the body of a section that is read by its description. Texts that say what was expected are made only
 * when an error needs them.
 */

import { printable, StubferryError } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import type { FieldDescription, StructDescription } from './description.js';
import { SUBSECTION } from './section-header.js';

/**
 * A body does not match its description: the body is too short, or it contains other bytes than the description
 * says. The offset is counted from the start of the body.
 */
export class DescriptionMismatch extends Error {
  readonly offset: number;
  readonly expected: string;
  readonly found: string;

  constructor(offset: number, expected: string, found: string) {
    super('the body does not match its description');
    this.offset = offset;
    this.expected = expected;
    this.found = found;
  }
}

/** A limit for the number of fields, with each array element counted. */
export class FieldBudget {
  readonly #limit: number;
  readonly #what: string;
  #left: number;

  /** @param what the subject of the message when there are too many fields: `a device`, `the state` */
  constructor(limit: number, what: string) {
    this.#limit = limit;
    this.#what = what;
    this.#left = limit;
  }

  /** Number of fields that may still follow. */
  get left(): number {
    return this.#left;
  }

  /** Counts that many fields. @throws StubferryError LIMIT_EXCEEDED: when that is more than may still follow */
  take(fields: number): void {
    this.#left -= fields;
    if (this.#left >= 0) return;
    throw new StubferryError('LIMIT_EXCEEDED', `${this.#what} has too many fields`, {
      expected: `at most ${this.#limit}`,
      found: 'more',
    });
  }
}

/** Reads the body of a section from its start to its end. */
export class BodyCursor {
  readonly #body: Uint8Array;
  offset = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** Returns the bytes from the offset `from` to the current one. */
  since(from: number): Uint8Array {
    return this.#body.subarray(from, this.offset);
  }

  /** Reads that many bytes. @throws DescriptionMismatch: when fewer bytes are left */
  take(count: number, expected: () => string): Uint8Array {
    const from = this.offset;
    const left = this.#body.length - from;
    if (count > left) throw new DescriptionMismatch(from, expected(), `${left}`);
    this.offset = from + count;
    return this.since(from);
  }

  /** Reads a field that is not a struct. @throws DescriptionMismatch: when the body is too short */
  field(field: FieldDescription): Uint8Array {
    const from = this.offset;
    this.skip(field, 1);
    return this.since(from);
  }

  /** Skips that many elements of a field. @throws DescriptionMismatch: when the body is too short */
  skip({ name, size }: FieldDescription, elements: number): void {
    const left = this.#body.length - this.offset;
    if (size * elements > left)
      throw new DescriptionMismatch(this.offset, `${size * elements} bytes of ${printable(name)}`, `${left}`);
    this.offset += size * elements;
  }

  /**
   * Reads the header of a subsection.
   *
   * @returns the version in the header
   * @throws DescriptionMismatch: when it is not the header of that subsection
   */
  subsectionHeader({ vmsdName }: StructDescription): number {
    const expected = (): string => `subsection ${JSON.stringify(printable(vmsdName))}`;
    const at = this.offset;
    const [mark = 0, length = 0] = this.take(2, expected);
    const name = Buffer.from(this.take(length, expected)).toString('latin1');
    if (mark !== SUBSECTION || name !== vmsdName) throw new DescriptionMismatch(at, expected(), 'other bytes');
    return viewOf(this.take(4, expected)).getUint32(0);
  }

  /**
   * Checks the length of a struct that began at the offset `from` and ends here.
   *
   * @throws DescriptionMismatch: when its field has another size
   */
  endStruct({ name, size }: FieldDescription, from: number): void {
    const length = this.offset - from;
    if (length !== size)
      throw new DescriptionMismatch(from, `${size} bytes of ${printable(name)}`, `${length} in its fields`);
  }

  /** Checks that this is the end of the body. @throws DescriptionMismatch: when bytes are left */
  end(): void {
    if (this.offset !== this.#body.length)
      throw new DescriptionMismatch(this.offset, 'the end of the section', 'more bytes');
  }

  /**
   * Returns how many elements a field has; 1 if it is not an array. Arrays of empty elements are refused: they could
   * have so many elements that a loop over them takes too long.
   *
   * @throws DescriptionMismatch: when the field is an array whose elements have no bytes
   */
  elementsOf({ name, size, arrayLength = 1 }: FieldDescription): number {
    if (size > 0 || arrayLength <= 1) return arrayLength;
    throw new DescriptionMismatch(
      this.offset,
      `elements of at least a byte in ${printable(name)}`,
      `${arrayLength} of no bytes`,
    );
  }
}
