/**
 * The files of a warm-up, in memory: a FIFO, a transfer disk that both sides open, and a statefile.
 *
 *     state.fifo --> sender --> disk.img --> receiver --> statefile
 *
 * With real files the warm-up also runs the system calls, the write notifications and Node's own code for them. With
 * buffers of this process instead of files, the first transfer would still be slower:
 * docs/notes/2026-11-29-small-states.md has the measurements.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlockDevice, createImage, notifyingDevice, openDevice } from '../../blockdev-utils/index.js';
import { StateFifo } from '../../qemu/index.js';
import { eventWriter, type OnEvent } from '../agent-events.js';
import type { WarmUpDirectory } from './warm-up-directory.js';

/** The open files of a warm-up. */
export class WarmUpStage {
  readonly sender: BlockDevice;
  readonly receiver: BlockDevice;
  readonly directory: string;
  /** Writes events to /dev/null. */
  readonly onEvent: OnEvent;
  readonly #fifo: StateFifo;
  readonly #eventsFd: number;

  private constructor(
    sender: BlockDevice,
    receiver: BlockDevice,
    fifo: StateFifo,
    directory: string,
    eventsFd: number,
  ) {
    this.sender = sender;
    this.receiver = receiver;
    this.#fifo = fifo;
    this.directory = directory;
    this.#eventsFd = eventsFd;
    this.onEvent = eventWriter(eventsFd);
  }

  /**
   * Makes the files in a directory and opens them.
   * @param size the size of the disk, in bytes
   * @throws StubferryError DISK_EXISTS, DISK_NO_SPACE, DISK_IO: when the disk cannot be made; CAPTURE_LOST: when the
   * FIFO cannot be made
   */
  static async make({ path }: WarmUpDirectory, size: number): Promise<WarmUpStage> {
    const disk = join(path, 'disk.img');
    await createImage(disk, size);
    const fifo = await StateFifo.make(path);
    const opened: BlockDevice[] = [];
    const openDisk = async (): Promise<BlockDevice> => {
      const device = await openDevice(disk, { access: 'buffered' });
      opened.push(device);
      return notifyingDevice(device, disk);
    };
    try {
      return new WarmUpStage(await openDisk(), await openDisk(), fifo, path, openSync('/dev/null', 'w'));
    } catch (error) {
      for (const device of opened) await device.close();
      throw error;
    }
  }

  /** The path of the FIFO. */
  get fifo(): string {
    return this.#fifo.path;
  }

  /** The path of the statefile. */
  get statefile(): string {
    return join(this.directory, 'statefile');
  }

  /** Writes a state to the FIFO. The FIFO must be open for reading, and the state must fit into its buffer. */
  write(state: Uint8Array): void {
    const fd = openSync(this.fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, state);
    } finally {
      closeSync(fd);
    }
  }

  /** Removes the statefile, so that the next transfer can create it. */
  removeStatefile(): Promise<void> {
    return rm(this.statefile);
  }

  /** Closes the files. The directory is removed by its owner. */
  async close(): Promise<void> {
    await Promise.all([this.sender.close(), this.receiver.close()]);
    closeSync(this.#eventsFd);
  }
}
