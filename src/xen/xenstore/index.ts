export { type ConnectOptions, type Watch, XenstoreClient } from './client.js';
export type { Transaction } from './transaction.js';
export type { OnChange } from './watch-events.js';
export type { Access, Permissions } from './wire/permissions.js';
