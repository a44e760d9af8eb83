export type { OnProgress, Timings, TransferCallbacks, TransferSummary } from './progress.js';
export { lingerForSender, receiveState } from './receiver.js';
export { type StateToSend, sendState } from './sender.js';
