/** A sink that writes the bare bytes of a state, which QEMU reads and libxl expects in its file. */

import type { ByteOutput, OpenOutput } from '../formats/byte-output.js';
import type { DataFrame, StateSink } from '../formats/state-sink.js';

/** Writes the payload of each frame to an output. */
export class RawSink implements StateSink {
  readonly #open: OpenOutput;
  #opening: Promise<ByteOutput> | undefined;
  #output: ByteOutput | undefined;

  constructor(open: OpenOutput) {
    this.#open = open;
  }

  async begin(): Promise<void> {
    this.#opening = this.#open();
    this.#output = await this.#opening;
  }

  async data(frame: DataFrame): Promise<void> {
    await this.#output?.write([frame.payload]);
  }

  async commit(): Promise<void> {
    await this.#output?.commit();
  }

  async discard(): Promise<boolean> {
    // An output that is still being opened would leave its file behind.
    const output = await this.#opening?.catch(() => undefined);
    return (await output?.discard()) ?? true;
  }
}
