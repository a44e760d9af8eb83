/**
 * An output that is opened before the state arrives.
 *
 * Errors of the destination, for example an existing file or a read-only directory, are reported before the guest is
 * paused, and opening the output takes no time while the guest is paused.
 */
import type { ByteOutput, OpenOutput } from '../formats/byte-output.js';

/** Holds one output open until a transfer takes it. */
export class PreOpenedOutput {
  readonly #openAnother: OpenOutput;
  #first: ByteOutput | undefined;

  private constructor(open: OpenOutput, first: ByteOutput) {
    this.#openAnother = open;
    this.#first = first;
  }

  /**
   * Opens the first output.
   * @throws StubferryError: any error of `open`
   */
  static async prepare(open: OpenOutput): Promise<PreOpenedOutput> {
    return new PreOpenedOutput(open, await open());
  }

  /** Returns the open output at the first call. Opens a new one at each later call, when a transfer restarts. */
  readonly open: OpenOutput = async () => {
    const first = this.#first;
    this.#first = undefined;
    return first ?? this.#openAnother();
  };

  /** Discards the open output if no transfer took it. */
  async close(): Promise<void> {
    await this.#first?.discard();
  }
}
