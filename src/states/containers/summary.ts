/**
 * The summaries of containers: files that hold a device state among other content. Each kind of file has its own type.
 */
import type { LibvirtSaveSummary } from '../../formats/libvirt-save/index.js';
import type { LibxlSummary } from '../../formats/xen/libxl-stream/index.js';
import type { XlSaveSummary } from '../../formats/xen/xl-save/index.js';

/** The content of a libxl stream. */
export interface LibxlStreamSummary {
  readonly kind: 'libxl-stream';
  readonly libxl: LibxlSummary;
}

/** The content of a container. */
export type ContainerSummary = XlSaveSummary | LibxlStreamSummary | LibvirtSaveSummary;
