/** What an agent is given by whoever runs it. */

import type { Log } from '../base/log.js';
import type { Timeouts } from '../transfer/ring/index.js';
import type { OnEvent } from './agent-events.js';

export interface AgentContext {
  readonly timeouts: Timeouts;
  /** Aborting it ends the transfer, with the signal's reason as the error. */
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
  readonly log: Log;
}

/** What a whole agent is given, from its start to its end. */
export interface AgentLife extends AgentContext {
  /** Whether transfers are warmed up before it is ready: where a guest may stand still for the state. */
  readonly warmsUp: boolean;
}
