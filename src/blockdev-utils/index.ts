export { ALIGNMENT, AlignedMemory, alignedBuffer, roundUp } from './aligned-memory.js';
export type { AccessPath, BlockDevice } from './block-device.js';
export { createImage } from './create-image.js';
export { openDevice } from './file-device.js';
export { type FileLock, lockExclusive, tryLock } from './file-lock.js';
export { memoryDevice } from './memory-device.js';
