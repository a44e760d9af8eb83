/**
 * Reading an ELF file: every access is checked, for a file may be cut or damaged.
 *
 * Only what Debian's amd64 has is read: 64 bits, little-endian.
 */
import { StubferryError } from '../../base/errors/index.js';

/** No string in an ELF file that is of use here is longer. */
const LONGEST_STRING = 4096;

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
   * A 64-bit number that is an offset, an address or a length. Beyond 2^53, where the kernel's addresses are, it loses its last
   * bits; as an offset it is refused then, for no file is that long.
   */
  u64(offset: number): number {
    this.#assert(offset, 8);
    return Number(this.#view.getBigUint64(offset, true));
  }

  /** The bytes themselves, not a copy. */
  bytes(offset: number, length: number): Uint8Array {
    this.#assert(offset, length);
    return this.#bytes.subarray(offset, offset + length);
  }

  /** A string that ends with NUL. */
  string(offset: number): string {
    this.#assert(offset, 1);
    const end = this.#bytes.indexOf(0, offset);
    if (end === -1 || end - offset > LONGEST_STRING) throw damaged('a string has no end', offset);
    return latin1(this.#bytes.subarray(offset, end));
  }

  #assert(offset: number, length: number): void {
    const fits = Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.#bytes.length;
    if (!fits) throw damaged(`it has ${this.#bytes.length} bytes`, offset);
  }
}

export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export function damaged(found: string, offset?: number): StubferryError {
  return new StubferryError('UNFIT_PARTS', 'the ELF file is damaged', {
    offset,
    found,
    hint: 'install its package again',
  });
}
