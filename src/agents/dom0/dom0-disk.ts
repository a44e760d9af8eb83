/**
 * A transfer disk in dom0's hands: made, locked, formatted, given to the stubdom; and taken back and removed.
 *
 *     create -> lock -> format -> attach --> (transfers run here) --> detach -> close, unlock, remove
 *
 * Formatted and locked before it is attached: whoever sees it attached sees a transfer disk, with an owner.
 */
import { unlink } from 'node:fs/promises';
import { StubferryError } from '../../base/errors/index.js';
import {
  type BackingKind,
  type BlockDevice,
  backingOf,
  type FileLock,
  lockExclusive,
  notifyingDevice,
  openDevice,
} from '../../blockdev-utils/index.js';
import { checkLimits, type Superblock } from '../../formats/protocol/superblock.js';
import { diskSizeFor, formatDisk } from '../../transfer/ring/index.js';
import type { Attachment, HotplugDriver } from '../../xen/hotplug/index.js';
import type { AgentContext } from '../agent-context.js';
import { releaseDisk, withDiskDeadline } from '../disk-deadline.js';
import { roleLockPath } from '../role-lock.js';
import { takeBacking } from './backing.js';

export interface DiskOptions {
  /** The file to create, or a block device to use. */
  readonly path: string;
  readonly superblock: Superblock;
  readonly driver: HotplugDriver;
  /** The domain that gets it; undefined where the stubdom's agent is a process of this machine. */
  readonly stubdom: number | undefined;
  /** Leave it as it is when it is taken back. */
  readonly keep: boolean;
}

export class Dom0Disk {
  readonly device: BlockDevice;
  readonly superblock: Superblock;
  readonly attachment: Attachment;
  readonly kind: BackingKind;
  readonly #options: DiskOptions;
  readonly #lock: FileLock;
  readonly #releaseFound: () => Promise<void>;
  readonly #context: Pick<AgentContext, 'log' | 'timeouts'>;

  private constructor(
    device: BlockDevice,
    lock: FileLock,
    attachment: Attachment,
    kind: BackingKind,
    releaseFound: () => Promise<void>,
    options: DiskOptions,
    context: Pick<AgentContext, 'log' | 'timeouts'>,
  ) {
    this.device = device;
    this.superblock = options.superblock;
    this.attachment = attachment;
    this.kind = kind;
    this.#releaseFound = releaseFound;
    this.#lock = lock;
    this.#options = options;
    this.#context = context;
  }

  /** @throws StubferryError DISK_EXISTS, DISK_NO_SPACE, DISK_IO, DISK_INCOHERENT, and what attaching is refused with; nothing is left */
  static async make(options: DiskOptions, context: Omit<AgentContext, 'onEvent'>): Promise<Dom0Disk> {
    const { path, superblock, driver, stubdom } = options;
    checkLimits(superblock, path);
    const releaseFound = await takeBacking(path, diskSizeFor(superblock.ringLength), options.keep);
    const undo: (() => Promise<unknown>)[] = [releaseFound];
    try {
      const kind = await backingOf(path);
      const lock = await lockExclusive(path);
      undo.push(() => lock.release());
      const device = await openDevice(path, { access: driver.accessTo(kind) });
      undo.push(() => device.close());
      await withDiskDeadline(path, context, formatDisk(device, superblock));
      const attachment = await driver.attach(path, kind, { stubdom, signal: context.signal });
      const told = notifyingDevice(device, driver.toldAt(attachment));
      return new Dom0Disk(told, lock, attachment, kind, releaseFound, options, context);
    } catch (error) {
      for (const step of undo.reverse()) await step().catch(() => undefined);
      throw error;
    }
  }

  /** Never throws. A disk that stays attached does not change what became of the state; whoever lists the orphans finds it. */
  async remove(): Promise<void> {
    const { driver } = this.#options;
    try {
      const { forced } = await driver.detach(this.attachment);
      if (forced !== undefined)
        this.#context.log.warn({ ...this.attachment, forced }, 'the transfer disk was taken from the stubdom by force');
    } catch (cause) {
      const error = StubferryError.from(cause).report();
      this.#context.log.warn({ ...this.attachment, error }, 'the transfer disk could not be detached');
    }
    await releaseDisk(this.device, this.#context, this.#close());
  }

  async #close(): Promise<void> {
    const { path } = this.#options;
    await this.device.close();
    await this.#lock.release();
    await unlink(roleLockPath(path)).catch(() => undefined);
    await this.#releaseFound().catch((cause: unknown) => {
      this.#context.log.warn(
        { path, error: StubferryError.from(cause).report() },
        'the transfer disk could not be removed',
      );
    });
  }
}
