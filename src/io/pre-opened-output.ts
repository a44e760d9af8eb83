/**
 * An output that is open before the state comes: what can be known of a destination (it is there already, its folder is
 * read-only) is said before the guest is stopped, and opening it takes no time then.
 */
import type { ByteOutput, OpenOutput } from '../formats/byte-output.js';

export class PreOpenedOutput {
  readonly #openAnother: OpenOutput;
  #first: ByteOutput | undefined;

  private constructor(open: OpenOutput, first: ByteOutput) {
    this.#openAnother = open;
    this.#first = first;
  }

  /** @throws StubferryError whatever opening it is refused with */
  static async prepare(open: OpenOutput): Promise<PreOpenedOutput> {
    return new PreOpenedOutput(open, await open());
  }

  /** Hands out the one that is open; later, when a transfer begins anew, new ones. */
  readonly open: OpenOutput = async () => {
    const first = this.#first;
    this.#first = undefined;
    return first ?? this.#openAnother();
  };

  /** Discards it, if nobody took it. */
  async close(): Promise<void> {
    await this.#first?.discard();
  }
}
