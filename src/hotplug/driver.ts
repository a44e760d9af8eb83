/**
 * How a transfer disk comes to the stubdom, and goes again.
 *
 *     backing (made and formatted by dom0) --attach--> device (what the stubdom opens) --detach--> gone
 *
 * A driver knows one way. Whichever it is, dom0's agent works on the backing, by the access path that {@link HotplugDriver.accessTo}
 * says, and the stubdom's on the device; both see each other's writes. What a driver leaves behind when it is killed, it finds again.
 */
import type { AccessPath, BackingKind } from '../blockdev-utils/index.js';

export interface Attachment {
  /** Path of what the stubdom opens. */
  readonly device: string;
  /** Path of what dom0 opens. */
  readonly backing: string;
}

export interface HotplugDriver {
  readonly name: string;
  /** How dom0's agent opens a backing of that kind, so that it sees what the device's user writes, and the other way round. */
  accessTo(kind: BackingKind): AccessPath;
  /**
   * Gives a formatted backing to the stubdom; returns when the device can be used.
   * @throws StubferryError DISK_INCOHERENT when the two sides would not see the same bytes; DISK_IO
   */
  attach(backing: string, kind: BackingKind): Promise<Attachment>;
  /** Takes it away; returns when it is gone. @throws StubferryError DISK_IO */
  detach(attachment: Attachment): Promise<void>;
  /** What is attached now and carries a transfer disk; never what is somebody else's. @throws StubferryError DISK_IO */
  list(): Promise<Attachment[]>;
  /** Of {@link list}, what no live agent owns: its dom0 agent was killed. @throws StubferryError DISK_IO */
  leftovers(): Promise<Attachment[]>;
}
