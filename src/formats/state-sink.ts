/** The interface through which a receiver stores a state. It is the same in dom0 and in a stubdom. */
import type { BeginRecord, EndRecord } from './protocol/records.js';

/** One frame of data for a sink. The views are valid until the promise of {@link StateSink.data} settles. */
export interface DataFrame {
  readonly payload: Uint8Array;
  /** The payload, padded with zeros to a multiple of 4096 bytes. */
  readonly paddedPayload: Uint8Array;
  /** Offset of the first byte of the payload, counted from the start of the state. */
  readonly streamOffset: number;
  /** The chain checksum before this payload. It is the same in a statefile as on the disk. */
  readonly chainBefore: bigint;
  /** The chain checksum after this payload. */
  readonly chainAfter: bigint;
}

/** The destination of a state. The state must not become visible before {@link StateSink.commit}. */
export interface StateSink {
  /** Starts a new state. */
  begin(begin: BeginRecord): Promise<void>;
  /** Appends the payload of one frame. */
  data(frame: DataFrame): Promise<void>;
  /** Makes the state durable, and then visible. The receiver calls it after all checks succeeded. */
  commit(end: EndRecord): Promise<void>;
  /**
   * Removes everything that is not committed yet, including the effects of a commit in progress. It may be called at
   * any time and more than once. A caller may call `begin` again after it.
   *
   * @returns false if the state was committed already; the state then remains
   */
  discard(): Promise<boolean>;
}
