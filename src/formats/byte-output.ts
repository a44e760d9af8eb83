/** Where the bytes of a sink end up. */

export interface ByteOutput {
  /** Appends the chunks, in order. They belong to the output until the promise settles. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes what was written durable, then visible. */
  commit(): Promise<void>;
  /** As {@link StateSink.discard}. */
  discard(): Promise<boolean>;
}

/** Opens a new, empty output. Called again when a transfer begins anew. */
export type OpenOutput = () => Promise<ByteOutput>;
