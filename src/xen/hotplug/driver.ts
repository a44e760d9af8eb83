/**
 * How a transfer disk comes to the stubdom, and goes again.
 *
 *     backing (made and formatted by dom0) --attach--> device (what the stubdom opens) --detach--> gone
 *
 * A driver knows one way. Whichever it is, dom0's agent works on the backing, by the access path that {@link HotplugDriver.accessTo}
 * says, and the stubdom's on the device; both see each other's writes. What a driver leaves behind when it is killed, it finds again.
 */
import * as z from 'zod/mini';
import type { AccessPath, BackingKind } from '../../blockdev-utils/index.js';

export const attachmentSchema = z.object({
  /** Path of what the stubdom opens. */
  device: z.string(),
  /** Path of what dom0 opens. */
  backing: z.string(),
  /** Where it went to another domain: the vbd. */
  vbd: z.optional(
    z.object({
      /** Domid of the frontend. */
      stubdom: z.int().check(z.minimum(0), z.maximum(0xffff)),
      /** The virtual device, such as 268441856 for xvdz. */
      number: z.int().check(z.minimum(0), z.maximum(0x7fffffff)),
      /** The block device of dom0 that its backend uses. */
      node: z.string(),
    }),
  ),
});

/** Plain data: a journal holds it, so that the next agent can detach what a killed one has attached. */
export type Attachment = Readonly<z.infer<typeof attachmentSchema>>;

export interface AttachOptions {
  /** Domid of who gets it; undefined where the stubdom's agent is a process of this machine. */
  readonly stubdom?: number | undefined;
  /** Ends the waiting, with its reason; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** How a disk went. */
export interface Detachment {
  /** What the stubdom did not do, so that the disk was taken from it; undefined when it let go of it. */
  readonly forced?: string;
}

export interface HotplugDriver {
  readonly name: string;
  /** How dom0's agent opens a backing of that kind, so that it sees what the device's user writes, and the other way round. */
  accessTo(kind: BackingKind): AccessPath;
  /**
   * The path through which the device's user writes, where that is in this kernel: inotify then tells of the writes. Undefined where it
   * does not: it never sees what a loop device writes to its file (measured, Linux 6.18), nor what a backend does for another domain.
   */
  toldAt(attachment: Attachment): string | undefined;
  /**
   * Gives a formatted backing to the stubdom; returns when the device can be used.
   * @throws StubferryError DISK_INCOHERENT when the two sides would not see the same bytes; ATTACH_FAILED, DISK_IO; of xenstore
   */
  attach(backing: string, kind: BackingKind, options?: AttachOptions): Promise<Attachment>;
  /**
   * Takes it away; returns when it is gone. What is gone already, and what was attached half way, is fine; what is another's by now is
   * left alone.
   * @throws StubferryError DISK_IO; of xenstore
   */
  detach(attachment: Attachment): Promise<Detachment>;
  /** What is attached now and carries a transfer disk; never what is somebody else's. @throws StubferryError DISK_IO; of xenstore */
  list(): Promise<Attachment[]>;
  /**
   * What is attached, whole or half way, and owned by no live agent: its dom0 agent was killed.
   * @param folder only what has its backing below it, as far as it bears no mark of ours
   * @throws StubferryError DISK_IO; of xenstore
   */
  orphans(folder?: string): Promise<Attachment[]>;
}
