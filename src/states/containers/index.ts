export { type ContainerReader, containerReaderFor } from './container-reader.js';
export { BUFFERED_STATE_LIMIT, type ContainedState, type OpenedContainer, openContainer } from './open-container.js';
export { parseFile } from './parse-file.js';
export { parseSource } from './parse-source.js';
export { CheckedSource, checkState, readState } from './state-check.js';
export type { ContainerSummary, LibxlStreamSummary } from './summary.js';
