/** What every part of an agent receives from its caller. */

import type { Log } from '../base/log.js';
import type { Timeouts } from '../transfer/ring/index.js';
import type { OnEvent } from './agent-events.js';

/** What one transfer receives from its caller. */
export interface AgentContext {
  readonly timeouts: Timeouts;
  /** Aborts the transfer. The reason of the signal becomes the error. */
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
  readonly log: Log;
}

/** What a whole agent receives from its caller. */
export interface AgentLife extends AgentContext {
  /**
   * Whether the agent runs a warm-up before it is ready. It does so where a guest may be stopped during the transfer.
   */
  readonly warmsUp: boolean;
}
