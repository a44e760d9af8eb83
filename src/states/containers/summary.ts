/** What a file that holds a device state among other things turned out to hold: one type for each kind of file. */
import type { LibvirtSaveSummary } from '../../formats/libvirt-save/index.js';
import type { LibxlSummary } from '../../formats/xen/libxl-stream/index.js';
import type { XlSaveSummary } from '../../formats/xen/xl-save/index.js';

export interface LibxlStreamSummary {
  readonly kind: 'libxl-stream';
  readonly libxl: LibxlSummary;
}

export type ContainerSummary = XlSaveSummary | LibxlStreamSummary | LibvirtSaveSummary;
