/** What a libvirt save file says of itself. */
import type { ByteOrder } from '../pull-parser/index.js';
import type { LibvirtCompression } from './header.js';

export interface LibvirtSaveSummary {
  readonly kind: 'libvirt-save';
  /** False: libvirt had not finished it when it was interrupted. */
  readonly finished: boolean;
  readonly version: number;
  readonly byteOrder: ByteOrder;
  /** Whether the guest was running when it was saved. */
  readonly wasRunning: boolean;
  readonly compression: LibvirtCompression;
  /** The domain's XML, not escaped; without the NULs behind it. */
  readonly xml: string | undefined;
  /** What QEMU's driver kept beside it (XML as well), where there is something. */
  readonly cookie: string | undefined;
  /** Where QEMU's migration stream begins, compressed as said above, bytes from the beginning of the input. */
  readonly stateOffset: number | undefined;
}
