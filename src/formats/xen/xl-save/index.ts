export { XL_MAGIC } from './header.js';
export type { XlConfig, XlSaveSummary } from './summary.js';
export { XlSaveReader } from './xl-save-reader.js';
