/**
 * How a transfer disk is attached to the stubdom and detached again.
 *
 *     backing (created and formatted by dom0) --attach--> device (what the stubdom opens) --detach--> removed
 *
 * Each driver implements one way. In all of them the dom0 agent works on the backing, with the access path that {@link
 * HotplugDriver.accessTo} returns, and the stubdom agent on the device; both see each other's writes. A driver can find
 * again what a killed agent has left attached.
 */
import * as z from 'zod/mini';
import type { AccessPath, BackingKind } from '../../blockdev-utils/index.js';

/** Schema of an {@link Attachment}. */
export const attachmentSchema = z.object({
  /** Path of the device that the stubdom opens. */
  device: z.string(),
  /** Path of the file or device that dom0 opens. */
  backing: z.string(),
  /** The vbd, when the disk is attached to another domain. */
  vbd: z.optional(
    z.object({
      /** Domain id of the frontend. */
      stubdom: z.int().check(z.minimum(0), z.maximum(0xffff)),
      /** Number of the virtual device, such as 268441856 for xvdz. */
      number: z.int().check(z.minimum(0), z.maximum(0x7fffffff)),
      /** dom0's block device that the backend uses. */
      node: z.string(),
    }),
  ),
});

/**
 * An attached disk, as plain data: a journal contains it, so that the next agent can detach what a killed one has
 * attached.
 */
export type Attachment = Readonly<z.infer<typeof attachmentSchema>>;

/** Options of {@link HotplugDriver.attach}. */
export interface AttachOptions {
  /** Domain id of the stubdom; undefined when the stubdom agent is a process on this machine. */
  readonly stubdom?: number | undefined;
  /** Cancels the attach with its reason; nothing remains attached then. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of a detach. */
export interface Detachment {
  /**
   * What the stubdom failed to do before the disk was removed without its cooperation; undefined when it released the
   * disk.
   */
  readonly forced?: string;
}

/** One way to attach a transfer disk to the stubdom. */
export interface HotplugDriver {
  readonly name: string;
  /** How the dom0 agent must open a backing of that kind, so that both sides see each other's writes. */
  accessTo(kind: BackingKind): AccessPath;
  /**
   * The path through which the stubdom agent writes, when it writes through this kernel: inotify then notifies of the
   * writes. Undefined otherwise: inotify never reports what a loop device writes to its file (measured, Linux 6.18),
   * nor what a backend writes for another domain.
   */
  notifyingPath(attachment: Attachment): string | undefined;
  /**
   * Attaches a formatted backing to the stubdom. Resolves when the device can be used.
   * @throws StubferryError DISK_INCOHERENT: when the two sides would not see the same bytes; ATTACH_FAILED, DISK_IO;
   *   errors of xenstore
   */
  attach(backing: string, kind: BackingKind, options?: AttachOptions): Promise<Attachment>;
  /**
   * Detaches the disk. Resolves when it is removed. It is not an error when the disk is removed already, or was
   * attached only partly. A device that belongs to another transfer by now is not changed.
   * @throws StubferryError DISK_IO; errors of xenstore
   */
  detach(attachment: Attachment): Promise<Detachment>;
  /**
   * Returns all attached transfer disks, and no other disks.
   * @throws StubferryError DISK_IO; errors of xenstore
   */
  list(): Promise<Attachment[]>;
  /**
   * Returns the disks that are attached, completely or partly, and whose dom0 agent was killed.
   * @param directory limits disks without a mark of stubferry to those whose backing is below it
   * @throws StubferryError DISK_IO; errors of xenstore
   */
  orphans(directory?: string): Promise<Attachment[]>;
}
