/**
 * Page-aligned buffers for O_DIRECT.
 *
 * `Buffer` memory has any address. The memory of a WebAssembly module begins on a page of its own and, with
 * initial = maximum, never moves: measured to work with O_DIRECT on loop devices and on vbds.
 */

/** The part of the WebAssembly API that is used; TypeScript declares it for browsers only. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/** Alignment, in bytes, of everything {@link AlignedMemory} hands out; the largest sector size in use. */
export const ALIGNMENT = 4096;

const WASM_PAGE = 65536;

/** Rounds a length in bytes up to the next multiple of `unit` (a power of two is not needed). */
export function roundUp(length: number, unit: number = ALIGNMENT): number {
  return Math.ceil(length / unit) * unit;
}

/** A fixed piece of aligned memory, cut into buffers once and never given back: all of it lives as long as its owner. */
export class AlignedMemory {
  readonly #buffer: ArrayBuffer;
  readonly #length: number;
  #used = 0;

  /** @param length bytes; rounded up to {@link ALIGNMENT} */
  constructor(length: number) {
    const pages = Math.ceil(roundUp(length) / WASM_PAGE);
    this.#length = roundUp(length);
    this.#buffer = new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
  }

  /** The next `length` bytes, zeroed, aligned to {@link ALIGNMENT}. @throws RangeError when the memory is used up */
  take(length: number): Uint8Array {
    const rounded = roundUp(length);
    if (rounded > this.#length - this.#used) {
      throw new RangeError(`aligned memory of ${this.#length} bytes has no ${rounded} left`);
    }
    const taken = new Uint8Array(this.#buffer, this.#used, length);
    this.#used += rounded;
    return taken;
  }
}

/** One aligned, zeroed buffer with memory of its own. */
export function alignedBuffer(length: number): Uint8Array {
  return new AlignedMemory(length).take(length);
}
