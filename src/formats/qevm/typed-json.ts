/** Reads values of parsed JSON of which nothing is known, with a path for what is wrong. */
import { type ErrorCode, printable, StubferryError } from '../../base/errors/index.js';

/** What a text is at most: names in QEMU's code are far shorter. */
const LONGEST_TEXT = 255;

export class TypedJson {
  readonly #code: ErrorCode;
  readonly #what: string;

  /** @param code of errors. @param what is read, for messages */
  constructor(code: ErrorCode, what: string) {
    this.#code = code;
    this.#what = what;
  }

  object(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.#wrong(path, 'an object', value);
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    throw this.#wrong(path, 'a list', value);
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string' && value.length <= LONGEST_TEXT) return value;
    throw this.#wrong(path, `a text of at most ${LONGEST_TEXT} characters`, value);
  }

  count(value: unknown, path: string): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#wrong(path, 'a number from 0 on', value);
  }

  #wrong(path: string, expected: string, value: unknown): StubferryError {
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    const found = value === undefined ? 'nothing' : isPlain ? printable(JSON.stringify(value), 80) : 'something else';
    return new StubferryError(this.#code, `${this.#what} is wrong at ${printable(path)}`, { expected, found });
  }
}
