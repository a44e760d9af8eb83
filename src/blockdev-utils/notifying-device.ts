/**
 * A device whose other user writes to it by a path of this kernel: both have the same file, or dom0's agent the file and the stubdom's the
 * loop device over it.
 *
 * Without being told, a waiting agent has to look every 5 ms, which costs 3 % of a core, and sees the first frame half of that later.
 */
import type { AccessPath, BlockDevice } from './block-device.js';
import { watchWrites } from './watch-writes.js';

class ToldDevice implements BlockDevice {
  readonly path: string;
  readonly size: number;
  readonly blockSize: number;
  readonly access: AccessPath;
  readonly isSynchronous: boolean;
  readonly #device: BlockDevice;
  readonly #writtenBy: string;

  constructor(device: BlockDevice, writtenBy: string) {
    this.path = device.path;
    this.size = device.size;
    this.blockSize = device.blockSize;
    this.access = device.access;
    this.isSynchronous = device.isSynchronous === true;
    this.#device = device;
    this.#writtenBy = writtenBy;
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
    return watchWrites(this.#writtenBy, onWrite);
  }

  close(): Promise<void> {
    return this.#device.close();
  }
}

/** `device`, telling of the writes that go through the file or node at `writtenBy`; as it is, when that is undefined. */
export function notifyingDevice(device: BlockDevice, writtenBy: string | undefined): BlockDevice {
  return writtenBy === undefined ? device : new ToldDevice(device, writtenBy);
}
