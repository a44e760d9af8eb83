export { type Analysis, analysisOf, structAnalysis } from './analysis.js';
export type { Change } from './changes.js';
export { type CheckResult, checkAgainst, type Destination, type Finding } from './check.js';
export {
  type CompareOptions,
  compareStates,
  type OtherDifference,
  type SectionDifference,
  type StateComparison,
} from './compare.js';
export type { Description, DeviceDescription, FieldDescription, StructDescription } from './description.js';
export { type Field, readFields, type Struct, type Subsection } from './fields.js';
export { QevmReader, type ReaderOptions, readQevm } from './reader.js';
export { hasQevmMagic, type QevmStart, recogniseQevm } from './recognise.js';
export { baseName, type SectionType } from './section-header.js';
export { selectSection } from './select-section.js';
export type { Configuration, QevmSection, QevmState, Ram, RamBlock, SplitBy } from './state.js';
export { fieldValue, type Value } from './values.js';
export { looksLikeDump, readVmstateDump, type VmstateDump } from './vmstate-dump.js';
