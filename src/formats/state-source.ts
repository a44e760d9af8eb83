/** The interface through which a sender reads a state. It is the same in dom0 and in a stubdom. */

/** A source of the bytes of a state. */
export interface StateSource {
  /**
   * Waits for at least one byte and reads the available bytes, at most `into.length`. The source does not write to
   * `into` after the promise settles.
   *
   * @returns the number of bytes; 0 means the end of the state
   */
  read(into: Uint8Array): Promise<number>;
  /** Closes the source. A pending read may never settle. */
  close(): Promise<void>;
  /** Random access to the same bytes, if the source is a regular file. Offset 0 is the first byte of {@link read}. */
  readonly seekable?: Seekable | undefined;
}

/** A source with random access. Offsets and sizes are in bytes. */
export interface Seekable {
  /** Reads from `offset`, without moving the position of {@link StateSource.read}. It is short only at the end. */
  readAt(into: Uint8Array, offset: number): Promise<number>;
  size(): Promise<number>;
}

/** Reads until `into` is full or the source ends, and returns the number of bytes. */
export async function readFully(source: StateSource, into: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const count = await source.read(into.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
