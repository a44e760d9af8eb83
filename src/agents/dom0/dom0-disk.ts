/**
 * The transfer disk in dom0: how it is made and attached, and how it is detached and removed.
 *
 *     create --> lock --> format --> attach --> (the transfer runs) --> detach --> close, unlock, remove
 *
 * The disk is formatted and locked before it is attached, so that an attached disk always has a superblock and an
 * owner.
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

/** Options of {@link Dom0Disk.make}. */
export interface DiskOptions {
  /** The file to create, or an existing block device to use. */
  readonly path: string;
  readonly superblock: Superblock;
  readonly driver: HotplugDriver;
  /** The domain id of the stubdom. Undefined when the stubdom agent is a process of this machine. */
  readonly stubdom: number | undefined;
  /** Whether {@link Dom0Disk.remove} leaves the backing as it is. */
  readonly keep: boolean;
}

/** An attached transfer disk. */
export class Dom0Disk {
  /** dom0's own access to the disk. */
  readonly device: BlockDevice;
  readonly superblock: Superblock;
  readonly attachment: Attachment;
  readonly kind: BackingKind;
  readonly #options: DiskOptions;
  readonly #lock: FileLock;
  readonly #releaseBacking: () => Promise<void>;
  readonly #context: Pick<AgentContext, 'log' | 'timeouts'>;

  private constructor(
    device: BlockDevice,
    lock: FileLock,
    attachment: Attachment,
    kind: BackingKind,
    releaseBacking: () => Promise<void>,
    options: DiskOptions,
    context: Pick<AgentContext, 'log' | 'timeouts'>,
  ) {
    this.device = device;
    this.superblock = options.superblock;
    this.attachment = attachment;
    this.kind = kind;
    this.#releaseBacking = releaseBacking;
    this.#lock = lock;
    this.#options = options;
    this.#context = context;
  }

  /**
   * Makes and attaches a transfer disk. When it rejects, it has undone everything.
   * @throws StubferryError DISK_EXISTS: when the file exists, or the device contains other data; DISK_NO_SPACE,
   * DISK_IO: when the disk cannot be made; DISK_LOCKED: when another agent uses it; DISK_INCOHERENT, ...: when the
   * driver cannot attach it
   */
  static async make(options: DiskOptions, context: Omit<AgentContext, 'onEvent'>): Promise<Dom0Disk> {
    const { path, superblock, driver, stubdom } = options;
    checkLimits(superblock, path);
    const releaseBacking = await takeBacking(path, diskSizeFor(superblock.ringLength), options.keep);
    const undo: (() => Promise<unknown>)[] = [releaseBacking];
    try {
      const kind = await backingOf(path);
      const lock = await lockExclusive(path);
      undo.push(() => lock.release());
      const device = await openDevice(path, { access: driver.accessTo(kind) });
      undo.push(() => device.close());
      await withDiskDeadline(path, context, formatDisk(device, superblock));
      const attachment = await driver.attach(path, kind, { stubdom, signal: context.signal });
      const notifying = notifyingDevice(device, driver.notifyingPath(attachment));
      return new Dom0Disk(notifying, lock, attachment, kind, releaseBacking, options, context);
    } catch (error) {
      for (const step of undo.reverse()) await step().catch(() => undefined);
      throw error;
    }
  }

  /**
   * Detaches, closes and removes the disk. It never rejects: a disk that remains attached does not change the result of
   * the transfer, and is found as an orphan later.
   */
  async remove(): Promise<void> {
    const { driver } = this.#options;
    try {
      const { forced } = await driver.detach(this.attachment);
      if (forced !== undefined)
        this.#context.log.warn(
          { ...this.attachment, forced },
          'the transfer disk was detached from the stubdom by force',
        );
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
    await this.#releaseBacking().catch((cause: unknown) => {
      this.#context.log.warn(
        { path, error: StubferryError.from(cause).report() },
        'the transfer disk could not be removed',
      );
    });
  }
}
