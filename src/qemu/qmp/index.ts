export { type OnQmpEvent, QmpClient, type QmpOptions } from './client.js';
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
export type { Monitor } from './monitor.js';
export { invalidSocketPath } from './socket-path.js';
