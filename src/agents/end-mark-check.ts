/**
 * Checks the end of a bare QEMU state. A QEMU that dies while it writes leaves a truncated state, whose last byte is
 * rarely a valid end.
 */
import { StubferryError } from '../base/errors/index.js';
import { canEndIn } from '../formats/qevm/recognise.js';
import type { StateSource } from '../formats/state-source.js';

/** A state source that passes the bytes of another one and checks the last one of them. */
export class EndMarkCheck implements StateSource {
  readonly #source: StateSource;
  readonly #where: string;
  #length = 0;
  #last = 0;

  constructor(source: StateSource, where: string) {
    this.#source = source;
    this.#where = where;
  }

  /** @throws StubferryError TRUNCATED: when the state ends with a byte that cannot be the last one */
  async read(into: Uint8Array): Promise<number> {
    const count = await this.#source.read(into);
    if (count > 0) {
      this.#length += count;
      this.#last = into[count - 1] ?? 0;
    } else if (!canEndIn(this.#last)) {
      throw new StubferryError('TRUNCATED', 'the QEMU state does not end with its end mark', {
        where: this.#where,
        offset: this.#length,
        expected: 'a last byte of 0x00, or the end of a description',
        found: `0x${this.#last.toString(16).padStart(2, '0')}`,
        hint: 'QEMU may have died while it wrote: see its log',
      });
    }
    return count;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
