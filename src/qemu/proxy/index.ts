export { type GateNews, QmpGate } from './gate.js';
export type { OnSave, SaveRequest } from './gate-session.js';
export type { ListMedia } from './medium-change.js';
export type { Medium } from './stubdom-fdsets.js';
