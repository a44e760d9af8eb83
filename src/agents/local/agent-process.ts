/** Starts and observes an agent that runs in a separate process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import type { AgentEvent, OnEvent } from '../agent-events.js';
import type { TransferReport } from '../transfer-report.js';

/** The descriptor on which a started agent writes its events. */
const EVENTS_FD = 3;

/** The descriptor number under which a started agent inherits {@link StartOptions.given}. */
export const GIVEN_FD = 4;

/** How an agent ended. `error.code` is AGENT_DIED when the agent ended without reporting an error. */
export type AgentOutcome =
  | { readonly ok: true; readonly report: TransferReport }
  | { readonly ok: false; readonly error: StubferryError };

/** A running agent. */
export interface AgentProcess {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves when the agent has ended. It never rejects. */
  readonly outcome: Promise<AgentOutcome>;
  /** Whether the agent has opened the transfer disk, where the other agent can observe it. */
  isReady(): boolean;
  /**
   * Stops the agent with SIGTERM, and with SIGKILL if it does not end in time. The outcome is then CANCELLED, unless
   * the agent has finished or failed before.
   */
  end(): void;
}

/** Options of {@link startAgent}. */
export interface StartOptions {
  /** The program: the arguments of Node that precede the name of the command. */
  readonly program: readonly string[];
  readonly name: 'dom0' | 'stubdom';
  readonly args: readonly string[];
  /** Whether the agent inherits standard input. */
  readonly stdin: 'inherit' | 'ignore';
  /** Whether the agent inherits standard output. */
  readonly stdout: 'inherit' | 'ignore';
  /**
   * A descriptor that the agent inherits as {@link GIVEN_FD}. It is closed in this process, because a pipe ends only
   * when its last writer has closed it.
   */
  readonly given?: number | undefined;
  readonly onEvent: OnEvent;
}

/** Starts `stubferry agent NAME ARGS`. When the process cannot be started, the outcome reports that. */
export function startAgent({ program, name, args, stdin, stdout, given, onEvent }: StartOptions): AgentProcess {
  const argv = [...program, 'agent', name, ...args, '--events-fd', `${EVENTS_FD}`];
  const child = spawn(process.execPath, argv, {
    stdio: [stdin, stdout, 'inherit', 'pipe', given ?? 'ignore'],
  });
  if (given !== undefined) closeSync(given);
  const exit = new AgentExit(child);
  let ready = false;
  let stopped = false;
  const observe: OnEvent = (event) => {
    if (event.event === 'ready') ready = true;
    onEvent(event);
  };
  return {
    name,
    pid: child.pid,
    outcome: outcomeOf(child, exit, name, observe).then((outcome) => {
      if (outcome.ok || !stopped) return outcome;
      const { code } = outcome.error;
      const ownReason = code === 'AGENT_DIED' ? exit.isForced : code !== 'CANCELLED';
      if (ownReason) return outcome;
      return { ok: false, error: new StubferryError('CANCELLED', `the ${name} agent was stopped`) };
    }),
    isReady: () => ready,
    end: () => {
      stopped ||= child.kill('SIGTERM');
      exit.forceAfter(TIMEOUTS.agentEnd);
    },
  };
}

/** The exit of a process, or the end of the wait for it. */
class AgentExit {
  /** How the process ended, as a phrase for messages. */
  readonly how: Promise<string>;
  readonly #child: ChildProcess;
  #giveUp: (how: string) => void = () => undefined;
  #isForced = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.how = new Promise((resolve) => {
      this.#giveUp = resolve;
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (status, signal) =>
        resolve(signal === null ? `exited with status ${status}` : `was terminated by ${signal}`),
      );
    });
  }

  /** Whether the process was killed because it did not end in time. */
  get isForced(): boolean {
    return this.#isForced;
  }

  /** Kills the process after `ms` milliseconds if it still runs then. */
  forceAfter(ms: number): void {
    setTimeout(() => {
      this.#isForced ||= this.#child.kill('SIGKILL');
      setTimeout(() => this.#giveUp('was killed, but remains until a device responds'), TIMEOUTS.agentDeath).unref();
    }, ms).unref();
  }
}

async function outcomeOf(child: ChildProcess, exit: AgentExit, name: string, onEvent: OnEvent): Promise<AgentOutcome> {
  let last: AgentOutcome | undefined;
  const events = child.stdio[EVENTS_FD] as Readable;
  const lines = createInterface({ input: events, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', (line) => {
    const event = parseEvent(line);
    if (event === undefined) return;
    // An agent that has reported its end may still hang in a device that does not respond.
    if (event.event === 'done' || event.event === 'failed') exit.forceAfter(TIMEOUTS.agentExit);
    if (event.event === 'done') last = { ok: true, report: event.report };
    if (event.event === 'failed') last = { ok: false, error: StubferryError.fromReport(event.error) };
    onEvent(event);
  });
  const closed = new Promise<void>((resolve) => lines.once('close', resolve));
  const how = await exit.how;
  // The last events may still be in the pipe. The pipe of a process that could not be killed does not end.
  if (child.exitCode !== null || child.signalCode !== null) await closed;
  return last ?? { ok: false, error: died(name, how) };
}

/** Parses an event. Returns undefined for the incomplete last line of an agent that was killed. */
function parseEvent(line: string): AgentEvent | undefined {
  try {
    return JSON.parse(line) as AgentEvent;
  } catch {
    return undefined;
  }
}

function died(name: string, how: string): StubferryError {
  return new StubferryError('AGENT_DIED', `the ${name} agent ${how}`, {
    found: how,
    hint: 'start the transfer again',
  });
}
