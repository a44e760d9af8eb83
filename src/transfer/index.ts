export { type DataFrame, readFully, type Seekable, type StateSink, type StateSource } from './endpoints.js';
export type { Following, OnProgress, Timings, TransferSummary } from './progress.js';
export { lingerForSender, receiveState } from './receiver.js';
export { type StateToSend, sendState } from './sender.js';
export { checkEnd, StateDigest } from './state-digest.js';
