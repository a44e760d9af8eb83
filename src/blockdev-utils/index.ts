export { ALIGNMENT, AlignedMemory, alignedBuffer, roundUp } from './aligned-memory.js';
export { type BackingKind, backingOf, coherentAccess, isInMemory } from './backing.js';
export type { AccessPath, BlockDevice } from './block-device.js';
export { createImage } from './create-image.js';
export { deviceNumber } from './device-number.js';
export { openDevice, WRITE_AT_ONCE_BYTES } from './file-device.js';
export { type FileLock, isLocked, lockExclusive, tryLock } from './file-lock.js';
export { attachLoop, detachLoop, fileBehind, type LoopDevice, listLoops } from './loop-device.js';
export { type FrontendPlaces, type XenFrontend, xenFrontends } from './xen-frontends.js';
