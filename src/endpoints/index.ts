export type { ByteOutput, OpenOutput } from './byte-output.js';
export { FileSource } from './file-source.js';
export { GunzipSource } from './gunzip-source.js';
export { type OutputOptions, outputFor } from './open-output.js';
export { openSource } from './open-source.js';
export { type FileIdentity, partPath } from './part-file.js';
export { PeekedSource } from './peeked-source.js';
export { RawSink } from './raw-sink.js';
export { ReadyOutput } from './ready-output.js';
