/**
 * What the channel needs of a disk, and no more. Files, loop devices, vbds and the faulty disks of the tests
 * all satisfy it, so nothing above this folder knows what it talks to.
 */

/**
 * How the bytes of a device are reached. Two parties that mix these on one disk read stale data, so it is
 * declared and logged, never changed silently.
 *  - `direct`: O_DIRECT; no page cache of ours in between (a vbd in the stubdom).
 *  - `buffered`: through the page cache; right when both parties share that cache (one file, one kernel).
 */
export type AccessPath = 'direct' | 'buffered';

/** A disk of fixed size. Positions and lengths are in bytes; with `direct` they must be multiples of `blockSize`. */
export interface BlockDevice {
  /** For messages: the path of the node or file. */
  readonly path: string;
  /** Bytes; fixed while it is open. */
  readonly size: number;
  /** Logical sector size in bytes. */
  readonly blockSize: number;
  readonly access: AccessPath;
  /** It is nothing but memory: a read is done before its promise is there, so nothing is gained by beginning one early. */
  readonly isSynchronous?: boolean;
  /**
   * Fills all of `into` from `position`.
   * @throws StubferryError DISK_IO, also when the disk ends before `into` is full; RangeError for a place outside of it, or
   *   one that is not aligned, which is a fault of the caller
   */
  read(into: Uint8Array, position: number): Promise<void>;
  /** Writes all of `from` at `position`. @throws StubferryError DISK_IO */
  write(from: Uint8Array, position: number): Promise<void>;
  /** Returns when everything written before is on the medium. */
  flush(): Promise<void>;
  /** Milliseconds for which the oldest unanswered request has been waiting; 0 when none is. */
  stalledFor(): number;
  /**
   * Calls `onWrite` soon after somebody wrote to the medium, until the returned function is called. Only where the medium
   * can tell: what is written by a path of this kernel. A hint that saves waiting, never a promise.
   */
  watch?(onWrite: () => void): () => void;
  close(): Promise<void>;
}
