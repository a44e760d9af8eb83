export type { Capture } from './capture.js';
export { DeviceStateCapture } from './device-state-capture.js';
export { letGuestGoOn } from './guest-rescue.js';
export { IncomingQemu } from './incoming-qemu.js';
export { descriptorOf, incomingStream } from './incoming-stream.js';
export { LoadingOutput } from './loading-output.js';
export { prepareMigration } from './migration-capture.js';
export { type ProbedQemu, type ProbeOptions, probeQemu } from './probe-qemu.js';
export { assertHasGuest, assertSavable } from './savable.js';
