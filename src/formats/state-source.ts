/** Where the bytes of a state come from, as a sender sees it: it does not know which domain it runs in. */

export interface StateSource {
  /**
   * Reads what is there, at most `into.length` bytes; waits for at least one. 0 means the end of the state.
   * `into` may be written to only until the promise settles.
   */
  read(into: Uint8Array): Promise<number>;
  /** Lets go of it; a read under way may never settle. */
  close(): Promise<void>;
  /** The same bytes by position, counted from the first that {@link read} gave: where the source is a regular file. */
  readonly seekable?: Seekable | undefined;
}

/** What can be read anywhere. Bytes. */
export interface Seekable {
  /** Reads from `offset` on, without moving where {@link StateSource.read} stands; short only at the end. */
  readAt(into: Uint8Array, offset: number): Promise<number>;
  size(): Promise<number>;
}

/** Fills `into` as far as the source goes; returns how far. */
export async function readFully(source: StateSource, into: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const count = await source.read(into.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
