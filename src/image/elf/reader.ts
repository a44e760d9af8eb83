/**
 * Reads numbers and strings of an ELF file. The reader checks every access, because a file may be truncated or damaged.
 *
 * It supports the 64-bit little-endian format only, which Debian's amd64 uses.
 */
import { StubferryError } from '../../base/errors/index.js';

/** The longest string that is accepted, in bytes. */
const LONGEST_STRING = 4096;

/** The bytes of an ELF file. All methods throw a StubferryError UNFIT_PARTS when a read lies outside of the file. */
export class ElfReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.#bytes.length;
  }

  u16(offset: number): number {
    this.#assert(offset, 2);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.#assert(offset, 4);
    return this.#view.getUint32(offset, true);
  }

  /**
   * Reads a 64-bit number that is an offset, an address or a length. A number above 2^53, such as a kernel address,
   * loses its last bits. The reader rejects such a number as an offset, because no file is that long.
   */
  u64(offset: number): number {
    this.#assert(offset, 8);
    return Number(this.#view.getBigUint64(offset, true));
  }

  /** Returns a view of the bytes, not a copy. */
  bytes(offset: number, length: number): Uint8Array {
    this.#assert(offset, length);
    return this.#bytes.subarray(offset, offset + length);
  }

  /** Reads a NUL-terminated string. */
  string(offset: number): string {
    this.#assert(offset, 1);
    const end = this.#bytes.indexOf(0, offset);
    if (end === -1 || end - offset > LONGEST_STRING) throw damaged('a string without an end', offset);
    return latin1(this.#bytes.subarray(offset, end));
  }

  #assert(offset: number, length: number): void {
    const fits = Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.#bytes.length;
    if (!fits) throw damaged(`the file has ${this.#bytes.length} bytes`, offset);
  }
}

/** Decodes bytes as Latin-1. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The error for a damaged ELF file. @param offset the offset in the file, when it is known */
export function damaged(found: string, offset?: number): StubferryError {
  return new StubferryError('UNFIT_PARTS', 'the ELF file is damaged', {
    offset,
    found,
    hint: 'install its package again',
  });
}
