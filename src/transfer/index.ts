export { type DataFrame, readFully, type Seekable, type StateSink, type StateSource } from './endpoints.js';
export type { OnProgress, Timings, TransferSummary } from './progress.js';
export { lingerForSender, type ReceiveOptions, receiveState } from './receiver.js';
export { type SendOptions, type StateToSend, sendState } from './sender.js';
export { checkEnd, StateDigest } from './state-digest.js';
