export type { AgentContext } from './agent-context.js';
export { type AgentEvent, eventWriter } from './agent-events.js';
export { type PairOptions, type PairReport, runPair } from './agent-pair.js';
export { type Dom0Job, runDom0Agent } from './dom0-agent.js';
export type { Log } from './log.js';
export { type ReplayReport, replayState } from './replay.js';
export type { Provenance } from './state-to-send.js';
export { runStubdomAgent, type StubdomJob } from './stubdom-agent.js';
export { type TransferReport, transferReport } from './transfer-report.js';
