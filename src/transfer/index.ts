export type { Following, OnProgress, Timings, TransferSummary } from './progress.js';
export { lingerForSender, receiveState } from './receiver.js';
export { type StateToSend, sendState } from './sender.js';
export { checkEnd, StateDigest } from './state-digest.js';
export type { DataFrame, StateSink } from './state-sink.js';
export { readFully, type Seekable, type StateSource } from './state-source.js';
