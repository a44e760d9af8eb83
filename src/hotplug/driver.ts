/**
 * How a transfer disk comes to the stubdom, and goes again.
 *
 *     backing (made and formatted by dom0) --attach--> device (what the stubdom opens) --detach--> gone
 *
 * A driver knows one way. Whichever it is, dom0's agent works on the backing, by the access path that {@link HotplugDriver.accessTo}
 * says, and the stubdom's on the device; both see each other's writes. What a driver leaves behind when it is killed, it finds again.
 */
import * as z from 'zod/mini';
import type { AccessPath, BackingKind } from '../blockdev-utils/index.js';

export const attachmentSchema = z.object({
  /** Path of what the stubdom opens. */
  device: z.string(),
  /** Path of what dom0 opens. */
  backing: z.string(),
});

/** Plain data: a journal holds it, so that the next agent can detach what a killed one has attached. */
export type Attachment = Readonly<z.infer<typeof attachmentSchema>>;

export interface HotplugDriver {
  readonly name: string;
  /** How dom0's agent opens a backing of that kind, so that it sees what the device's user writes, and the other way round. */
  accessTo(kind: BackingKind): AccessPath;
  /**
   * Gives a formatted backing to the stubdom; returns when the device can be used.
   * @param stubdom domid; undefined where the stubdom's agent is a process of this machine
   * @throws StubferryError DISK_INCOHERENT when the two sides would not see the same bytes; DISK_IO
   */
  attach(backing: string, kind: BackingKind, stubdom?: number): Promise<Attachment>;
  /** Takes it away; returns when it is gone. @throws StubferryError DISK_IO */
  detach(attachment: Attachment): Promise<void>;
  /** What is attached now and carries a transfer disk; never what is somebody else's. @throws StubferryError DISK_IO */
  list(): Promise<Attachment[]>;
  /** Of {@link list}, what no live agent owns: its dom0 agent was killed. @throws StubferryError DISK_IO */
  leftovers(folder?: string): Promise<Attachment[]>;
}
