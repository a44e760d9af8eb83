export { STATEFILE_MAGIC, type StatefileHeader } from './file-header.js';
export { type StatefileSummary, seekSummary } from './inspect-state.js';
export { StatefileReader, StatefileSource } from './statefile-reader.js';
export { StatefileSink } from './statefile-sink.js';
