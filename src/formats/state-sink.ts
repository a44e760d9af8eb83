/** Where a state goes, as a receiver sees it: it does not know which domain it runs in. */
import type { BeginRecord, EndRecord } from './protocol/records.js';

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
