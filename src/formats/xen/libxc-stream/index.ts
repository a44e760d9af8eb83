export { LibxcReader } from './libxc-reader.js';
export type { LibxcRecordName } from './record-types.js';
export type { LibxcSummary } from './summary.js';
