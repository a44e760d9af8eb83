/**
 * What a warm-up is played on: files in memory, as over the embedded default.
 *
 *     state.fifo --> sender --> disk.img --> receiver --> statefile
 *
 * So the way to the kernel and back, being told of a write, and Node's own code for all that, are gone before they are needed. A stage
 * that was only bytes of this process left that to the first state: docs/bench.md has by how much.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlockDevice, createImage, notifyingDevice, openDevice } from '../../blockdev-utils/index.js';
import { StateFifo } from '../../qemu/index.js';
import { eventWriter, type OnEvent } from '../agent-events.js';
import type { WarmUpFolder } from './warm-up-folder.js';

export class WarmUpStage {
  readonly sender: BlockDevice;
  readonly receiver: BlockDevice;
  readonly folder: string;
  readonly onEvent: OnEvent;
  readonly #fifo: StateFifo;
  readonly #listener: number;

  private constructor(sender: BlockDevice, receiver: BlockDevice, fifo: StateFifo, folder: string, listener: number) {
    this.sender = sender;
    this.receiver = receiver;
    this.#fifo = fifo;
    this.folder = folder;
    this.#listener = listener;
    this.onEvent = eventWriter(listener);
  }

  /** @param size of the disk, bytes. @throws StubferryError DISK_NO_SPACE, DISK_IO, CAPTURE_LOST */
  static async set({ path }: WarmUpFolder, size: number): Promise<WarmUpStage> {
    const disk = join(path, 'disk.img');
    await createImage(disk, size);
    const fifo = await StateFifo.make(path);
    const opened: BlockDevice[] = [];
    const end = async (): Promise<BlockDevice> => {
      const device = await openDevice(disk, { access: 'buffered' });
      opened.push(device);
      return notifyingDevice(device, disk);
    };
    try {
      return new WarmUpStage(await end(), await end(), fifo, path, openSync('/dev/null', 'w'));
    } catch (error) {
      for (const device of opened) await device.close();
      throw error;
    }
  }

  get fifo(): string {
    return this.#fifo.path;
  }

  get statefile(): string {
    return join(this.folder, 'statefile');
  }

  /** Writes a state into the FIFO, which is open for reading already, and in which it has room. */
  offer(state: Uint8Array): void {
    const fd = openSync(this.fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, state);
    } finally {
      closeSync(fd);
    }
  }

  /** The statefile makes room for the next. */
  clear(): Promise<void> {
    return rm(this.statefile);
  }

  async close(): Promise<void> {
    await Promise.all([this.sender.close(), this.receiver.close()]);
    closeSync(this.#listener);
  }
}
