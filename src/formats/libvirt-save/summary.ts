import type { ByteOrder } from '../pull-parser/index.js';
import type { LibvirtCompression } from './header.js';

/** The summary of a libvirt save file. */
export interface LibvirtSaveSummary {
  readonly kind: 'libvirt-save';
  /** Whether libvirt finished the save. It is false when the save was interrupted. */
  readonly finished: boolean;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  /** Whether the guest was running when it was saved. */
  readonly wasRunning: boolean;
  readonly compression: LibvirtCompression;
  /** The XML of the domain, not escaped, and without the NULs after it. */
  readonly xml: string | undefined;
  /** The data that libvirt's QEMU driver stored with it (also XML), if there is any. */
  readonly cookie: string | undefined;
  /** The offset of QEMU's migration stream in the input. The stream is compressed as `compression` declares. */
  readonly stateOffset: number | undefined;
}
