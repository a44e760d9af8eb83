export { type ContainerReader, containerReaderFor } from './container-reader.js';
export { type ContainedState, MOST_KEPT, type OpenedContainer, openContainer } from './open-container.js';
export { CheckedSource, checkState, readState } from './state-check.js';
export type { ContainerSummary, LibxlStreamSummary } from './summary.js';
export { walkFile } from './walk-file.js';
export { walkSource } from './walk-source.js';
