/**
 * Page-aligned buffers for O_DIRECT.
 *
 * The memory of a `Buffer` may have any address. The memory of a WebAssembly module starts at a page boundary and never
 * moves when its initial size equals its maximum size. Measurements show that it works with O_DIRECT on loop devices
 * and on vbds.
 */

/** The part of the WebAssembly API that this module uses. TypeScript declares WebAssembly only for browsers. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/** The alignment in bytes of all buffers of {@link AlignedMemory}. It is the largest sector size in use. */
export const ALIGNMENT = 4096;

const WASM_PAGE = 65536;

/** Rounds a length in bytes up to the next multiple of `unit` (which need not be a power of two). */
export function roundUp(length: number, unit: number = ALIGNMENT): number {
  return Math.ceil(length / unit) * unit;
}

/**
 * A fixed amount of aligned memory from which buffers are allocated.
 *
 * Buffers cannot be freed individually: the memory exists as long as its owner.
 */
export class AlignedMemory {
  readonly #buffer: ArrayBuffer;
  readonly #length: number;
  #used = 0;

  /** @param length the size in bytes, which is rounded up to a multiple of {@link ALIGNMENT} */
  constructor(length: number) {
    const pages = Math.ceil(roundUp(length) / WASM_PAGE);
    this.#length = roundUp(length);
    this.#buffer = new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
  }

  /**
   * Allocates the next `length` bytes, zeroed and aligned to {@link ALIGNMENT}.
   * @throws RangeError when too little memory is left
   */
  take(length: number): Uint8Array {
    const rounded = roundUp(length);
    if (rounded > this.#length - this.#used) {
      throw new RangeError(`aligned memory of ${this.#length} bytes has fewer than ${rounded} bytes left`);
    }
    const taken = new Uint8Array(this.#buffer, this.#used, length);
    this.#used += rounded;
    return taken;
  }
}

/** Returns an aligned, zeroed buffer of `length` bytes with its own memory. */
export function alignedBuffer(length: number): Uint8Array {
  return new AlignedMemory(length).take(length);
}
