/** The destination of the bytes that a sink writes. */

/** An output that becomes visible only when it is committed. */
export interface ByteOutput {
  /** Appends the chunks in order. The caller must not change them until the promise settles. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes the written bytes durable, and then visible. */
  commit(): Promise<void>;
  /** Discards the written bytes. The contract is that of {@link StateSink.discard}. */
  discard(): Promise<boolean>;
}

/** Opens a new, empty output. A sink calls it again when a transfer restarts. */
export type OpenOutput = () => Promise<ByteOutput>;
