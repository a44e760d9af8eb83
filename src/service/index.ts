export { askService, followService } from './control-client.js';
export type { ServiceStatus } from './control-protocol.js';
export { ControlServer } from './control-server.js';
export { Dom0Service, type ServiceOptions } from './dom0-service.js';
export { Metrics } from './metrics.js';
export { collectWithoutService } from './offline-collection.js';
export type { Orphan } from './orphans.js';
export type { TransferLimits } from './service-transfer.js';
export { outcomeOf, type TransferView } from './transfer-view.js';
