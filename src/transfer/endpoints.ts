/** The two ends of a transfer, as sender and receiver see them: they do not know which domain they run in. */
import type { BeginRecord, EndRecord } from '../codec/records.js';

/** Where the bytes of a state come from. */
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

/** One frame of data for a sink. The views are valid until the promise of {@link StateSink.data} settles. */
export interface DataFrame {
  readonly payload: Uint8Array;
  /** The payload with zeros up to whole blocks of 4096. */
  readonly paddedPayload: Uint8Array;
  readonly streamOffset: number;
  /** The chain before and after this payload: at rest it is the same as on the disk. */
  readonly chainBefore: bigint;
  readonly chainAfter: bigint;
}

/** How long {@link StateSink.discard} is waited for, milliseconds: behind a commit that hangs it may hang as well. */
export const DISCARD_MS = 10_000;

/** Where a state goes. Nothing of it is to be seen before {@link StateSink.commit}. */
export interface StateSink {
  begin(begin: BeginRecord): Promise<void>;
  data(frame: DataFrame): Promise<void>;
  /** Everything checked: makes it durable, then visible. */
  commit(end: EndRecord): Promise<void>;
  /**
   * Removes every trace of what is not committed yet, also of a commit that is under way. May be called at any time, also
   * twice; after it `begin` may come again. Resolves to false when the state was committed already: then it stays.
   */
  discard(): Promise<boolean>;
}
