/** A sink for the bare bytes of a state: what QEMU reads, and what libxl wants in its file. */
import type { DataFrame, StateSink } from '../transfer/index.js';
import type { ByteOutput, OpenOutput } from './byte-output.js';

export class RawSink implements StateSink {
  readonly #open: OpenOutput;
  #output: ByteOutput | undefined;

  constructor(open: OpenOutput) {
    this.#open = open;
  }

  async begin(): Promise<void> {
    this.#output = await this.#open();
  }

  async data(frame: DataFrame): Promise<void> {
    await this.#output?.write([frame.payload]);
  }

  async commit(): Promise<void> {
    await this.#output?.commit();
  }

  async discard(): Promise<boolean> {
    return (await this.#output?.discard()) ?? true;
  }
}
