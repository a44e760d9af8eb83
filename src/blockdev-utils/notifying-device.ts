/**
 * A device with notifications of the writes of its other user.
 *
 * The other user must write through a path of this kernel: both agents have the same file open, or the dom0 agent has
 * the file open and the stubdom agent has the loop device over it. Without write notifications, a waiting agent has to
 * poll every 5 ms, which costs 3 % of a processor core, and on average it sees the first frame half an interval later.
 */
import type { AccessPath, BlockDevice } from './block-device.js';
import { watchWrites } from './watch-writes.js';

class NotifyingDevice implements BlockDevice {
  readonly path: string;
  readonly size: number;
  readonly blockSize: number;
  readonly access: AccessPath;
  readonly isSynchronous: boolean;
  readonly #device: BlockDevice;
  readonly #watchedPath: string;

  constructor(device: BlockDevice, watchedPath: string) {
    this.path = device.path;
    this.size = device.size;
    this.blockSize = device.blockSize;
    this.access = device.access;
    this.isSynchronous = device.isSynchronous === true;
    this.#device = device;
    this.#watchedPath = watchedPath;
  }

  read(into: Uint8Array, position: number): Promise<void> {
    return this.#device.read(into, position);
  }

  write(from: Uint8Array, position: number): Promise<void> {
    return this.#device.write(from, position);
  }

  flush(): Promise<void> {
    return this.#device.flush();
  }

  stalledFor(): number {
    return this.#device.stalledFor();
  }

  watch(onWrite: () => void): () => void {
    return watchWrites(this.#watchedPath, onWrite);
  }

  close(): Promise<void> {
    return this.#device.close();
  }
}

/**
 * Adds write notifications to `device`.
 * @param watchedPath the file or device node through which the other user writes
 * @returns `device` itself when `watchedPath` is undefined
 */
export function notifyingDevice(device: BlockDevice, watchedPath: string | undefined): BlockDevice {
  return watchedPath === undefined ? device : new NotifyingDevice(device, watchedPath);
}
