/**
 * The disk operations that a transfer needs.
 *
 * Files, loop devices, vbds and the faulty disks of the tests implement this interface, so the code outside of this
 * directory does not depend on the kind of disk.
 */

/**
 * How the bytes of a device are accessed. If two parties mix these modes on one disk, they read stale data. The mode is
 * therefore declared and logged, and never changed silently.
 *  - `direct`: with O_DIRECT, without the page cache of this kernel (for example a vbd in the stubdom).
 *  - `buffered`: through the page cache. It is correct when both parties share this cache (one file, one kernel).
 */
export type AccessPath = 'direct' | 'buffered';

/** A disk of fixed size. Positions and lengths are in bytes. With `direct` they must be multiples of `blockSize`. */
export interface BlockDevice {
  /** The path of the device node or file, for error messages. */
  readonly path: string;
  /** The size in bytes. It does not change while the device is open. */
  readonly size: number;
  /** The logical sector size in bytes. */
  readonly blockSize: number;
  readonly access: AccessPath;
  /**
   * Whether the device is in memory and reads synchronously. A read is then complete before its promise is returned, so
   * starting a read early has no benefit.
   */
  readonly isSynchronous?: boolean;
  /**
   * Fills all of `into` with the bytes from `position` on.
   * @throws StubferryError DISK_IO: when the read fails, or the disk ends before `into` is full
   * @throws RangeError when the range is outside of the disk or not aligned, which is a fault of the caller
   */
  read(into: Uint8Array, position: number): Promise<void>;
  /**
   * Writes all of `from` at `position`.
   * @throws StubferryError DISK_IO: when the write fails
   * @throws RangeError as for {@link read}
   */
  write(from: Uint8Array, position: number): Promise<void>;
  /** Resolves when all preceding writes are on the medium. */
  flush(): Promise<void>;
  /**
   * How long the oldest request in progress has been waiting, in milliseconds. It is 0 when there is no such request.
   */
  stalledFor(): number;
  /**
   * Calls `onWrite` soon after another user wrote to the medium, until the caller calls the returned function. It
   * exists only for a medium that supports write notifications, that is for writes through a path of this kernel. A
   * notification is a hint that shortens the waiting; it is not guaranteed.
   */
  watch?(onWrite: () => void): () => void;
  close(): Promise<void>;
}
