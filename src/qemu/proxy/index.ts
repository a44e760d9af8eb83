export type { ListMedia } from './medium-change.js';
export type { OnSave, SaveRequest } from './proxy-session.js';
export { type ProxyEvents, QmpProxy } from './qmp-proxy.js';
export type { Medium } from './stubdom-fdsets.js';
