export { type OnQmpEvent, QmpClient } from './client.js';
export {
  cont,
  type MigrationInfo,
  machineType,
  migrate,
  migrateCancel,
  queryMaxBandwidth,
  queryMigrate,
  queryStatus,
  saveDevicesState,
  setMaxBandwidth,
  stop,
} from './commands.js';
export { connectSocket } from './connect.js';
export { QmpGate } from './gate.js';
export { successReply } from './gate-reply.js';
export { type OnSave, SAVE_FDSET, type SaveRequest } from './gate-session.js';
export type { ListMedia } from './medium-change.js';
export { type ClientCommand, parseCommand } from './message.js';
export { MessageSplitter, textOf } from './message-splitter.js';
export type { Monitor } from './monitor.js';
export { unfitForSocket } from './socket-path.js';
export type { Medium } from './stubdom-fdsets.js';
