/** One agent in a process of its own, as its starter sees it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { StubferryError } from '../../base/errors/index.js';
import type { AgentEvent, OnEvent } from '../agent-events.js';
import type { TransferReport } from '../transfer-report.js';

/** The descriptor on which a started agent writes its events. */
const EVENTS_FD = 3;

/** The descriptor at which a started agent finds the one that it is given, if any. */
export const GIVEN_FD = 4;

/** Between an agent's last event and its end, milliseconds. */
const EXIT_GRACE_MS = 3_000;

/** For an agent that is asked to end to let go of all that it has, milliseconds. */
const END_GRACE_MS = 30_000;

/** For the kernel to end a killed process, milliseconds: one with a thread in a device that does not answer stays until that answers. */
const DEATH_MS = 1_000;

/** How an agent ended. `error.code` is AGENT_DIED when it had no time to say why. */
export type AgentOutcome =
  | { readonly ok: true; readonly report: TransferReport }
  | { readonly ok: false; readonly error: StubferryError };

export interface AgentProcess {
  readonly name: string;
  readonly pid: number | undefined;
  readonly outcome: Promise<AgentOutcome>;
  /** Whether it has come to be on the transfer disk, where the other agent can see it. */
  isReady(): boolean;
  /** Ends it (SIGTERM), if it has not ended: unless it had done its work by then, its outcome is CANCELLED. */
  end(): void;
}

export interface StartOptions {
  /** The program: Node's arguments up to the name of the command. */
  readonly program: readonly string[];
  readonly name: 'dom0' | 'stubdom';
  readonly args: readonly string[];
  /** What the agent's standard input and output are: ours, or nothing. */
  readonly stdin: 'inherit' | 'ignore';
  readonly stdout: 'inherit' | 'ignore';
  /** A descriptor that it is given, as {@link GIVEN_FD}; ours is closed, since a pipe ends only with its last writer. */
  readonly given?: number | undefined;
  readonly onEvent: OnEvent;
}

/** Starts `stubferry agent NAME ARGS`. */
export function startAgent({ program, name, args, stdin, stdout, given, onEvent }: StartOptions): AgentProcess {
  const argv = [...program, 'agent', name, ...args, '--events-fd', `${EVENTS_FD}`];
  const child = spawn(process.execPath, argv, {
    stdio: [stdin, stdout, 'inherit', 'pipe', given ?? 'ignore'],
  });
  if (given !== undefined) closeSync(given);
  const end = new AgentEnd(child);
  let ready = false;
  let asked = false;
  const noted: OnEvent = (event) => {
    if (event.event === 'ready') ready = true;
    onEvent(event);
  };
  return {
    name,
    pid: child.pid,
    outcome: outcomeOf(child, end, name, noted).then((outcome) => {
      if (outcome.ok || !asked) return outcome;
      const { code } = outcome.error;
      const ownReason = code === 'AGENT_DIED' ? end.isForced : code !== 'CANCELLED';
      if (ownReason) return outcome;
      return { ok: false, error: new StubferryError('CANCELLED', `the ${name} agent was ended`) };
    }),
    isReady: () => ready,
    end: () => {
      asked ||= child.kill('SIGTERM');
      end.forceAfter(END_GRACE_MS);
    },
  };
}

/** The end of a process, be it that it comes or that it is not waited for any more. */
class AgentEnd {
  /** How it ended, in words. */
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
        resolve(signal === null ? `ended with status ${status}` : `was ended by ${signal}`),
      );
    });
  }

  /** Whether it had to be killed. */
  get isForced(): boolean {
    return this.#isForced;
  }

  /** Kills it in `ms`, if it has not ended by then. */
  forceAfter(ms: number): void {
    setTimeout(() => {
      this.#isForced ||= this.#child.kill('SIGKILL');
      setTimeout(() => this.#giveUp('was killed, and a device that does not answer holds it'), DEATH_MS).unref();
    }, ms).unref();
  }
}

async function outcomeOf(child: ChildProcess, end: AgentEnd, name: string, onEvent: OnEvent): Promise<AgentOutcome> {
  let last: AgentOutcome | undefined;
  const events = child.stdio[EVENTS_FD] as Readable;
  const lines = createInterface({ input: events, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', (line) => {
    const event = parseEvent(line);
    if (event === undefined) return;
    // An agent that has said how it ended may still hang in a device that does not answer.
    if (event.event === 'done' || event.event === 'failed') end.forceAfter(EXIT_GRACE_MS);
    if (event.event === 'done') last = { ok: true, report: event.report };
    if (event.event === 'failed') last = { ok: false, error: StubferryError.fromReport(event.error) };
    onEvent(event);
  });
  const closed = new Promise<void>((resolve) => lines.once('close', resolve));
  const how = await end.how;
  // What it said before it ended may still be in the pipe; of one that could not be killed, the pipe does not end.
  if (child.exitCode !== null || child.signalCode !== null) await closed;
  return last ?? { ok: false, error: died(name, how) };
}

/** Undefined for a line that an agent did not live to finish. */
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
