export { LIBVIRT_MAGIC, LIBVIRT_PARTIAL_MAGIC, type LibvirtCompression } from './header.js';
export { LibvirtSaveReader } from './libvirt-save-reader.js';
export type { LibvirtSaveSummary } from './summary.js';
