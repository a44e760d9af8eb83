export { EMULATOR_HEADER_BYTES, LONGEST_EMULATOR_CONTEXT } from './emulator-records.js';
export { LIBXL_MAGIC } from './header.js';
export { LibxlReader } from './libxl-reader.js';
export { type Emulator, LIBXL_RECORDS, type LibxlRecordName } from './record-types.js';
export type { EmulatorContext, EmulatorOf, EmulatorXenstoreData, LibxlSummary } from './summary.js';
