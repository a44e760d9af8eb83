/** Checks the types of values in parsed JSON. An error contains the path of the invalid value. */
import { type ErrorCode, printable, StubferryError } from '../../base/errors/index.js';

/** Length of the longest string. Names in QEMU's code are far shorter. */
const MAX_TEXT_LENGTH = 255;

/**
 * Checks the types of values. Every method returns the value if it has the type, and otherwise throws.
 */
export class TypedJson {
  readonly #code: ErrorCode;
  readonly #what: string;

  /**
   * @param code the code of the errors
   * @param what the name of the document, for messages
   */
  constructor(code: ErrorCode, what: string) {
    this.#code = code;
    this.#what = what;
  }

  object(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.#invalid(path, 'an object', value);
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    throw this.#invalid(path, 'an array', value);
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH) return value;
    throw this.#invalid(path, `a string of at most ${MAX_TEXT_LENGTH} characters`, value);
  }

  /** Checks that the value is an integer from 0 to 2^53 - 1. */
  count(value: unknown, path: string): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#invalid(path, 'an integer from 0', value);
  }

  #invalid(path: string, expected: string, value: unknown): StubferryError {
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    const found =
      value === undefined ? 'nothing' : isPlain ? printable(JSON.stringify(value), 80) : 'a value of another type';
    return new StubferryError(this.#code, `${this.#what} is invalid at ${printable(path)}`, { expected, found });
  }
}
