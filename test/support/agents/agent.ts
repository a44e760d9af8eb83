/** Starts one agent with the command `stubferry agent NAME ...` and collects its events. */
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentEvent, TransferReport } from '../../../src/agents/index.js';
import type { ErrorReport } from '../../../src/base/errors/index.js';
import { PROGRAM, type Started, start } from '../cli/run-stubferry.js';

/** The end of an agent. */
export interface AgentEnd {
  /** The exit status, or the signal that terminated the agent. */
  readonly exit: number | NodeJS.Signals;
  /** The report or error of the last event. Both are absent when the agent was killed. */
  readonly report?: TransferReport;
  readonly error?: ErrorReport;
  readonly stdout: Buffer;
}

export interface Agent extends Started {
  /** Resolves when the agent has opened the transfer disk, or has ended. */
  readonly ready: Promise<void>;
  readonly end: Promise<AgentEnd>;
  readonly events: readonly AgentEvent[];
  /** Resolves when the agent has reported progress, or has ended. */
  readonly moving: Promise<void>;
  /** Returns the peak of the resident memory, in MiB. */
  peakMiB(): number;
}

/**
 * Starts an agent. Its standard input is a pipe when `args` contain `-`, otherwise /dev/null.
 * @param logLevel the level of the log on standard error, which has one JSON document per line
 */
export function startAgent(name: 'dom0' | 'stubdom', args: readonly string[], logLevel = 'silent'): Agent {
  const stdin = args.includes('-') ? 'pipe' : 'ignore';
  const argv = [PROGRAM, '--log-level', logLevel, 'agent', name, ...args, '--events-fd', '3'];
  const started = start(process.execPath, argv, [stdin, 'pipe', 'pipe', 'pipe']);
  const events: AgentEvent[] = [];
  const waiting = new Map<string, () => void>();
  const lines = createInterface({ input: started.child.stdio[3] as Readable });
  const until = (event: AgentEvent['event']): Promise<void> =>
    new Promise((resolve) => {
      waiting.set(event, resolve);
      lines.once('close', resolve);
    });
  const [ready, moving] = [until('ready'), until('progress')];
  lines.on('line', (line) => {
    const event = JSON.parse(line) as AgentEvent;
    events.push(event);
    waiting.get(event.event)?.();
  });
  return { ...started, ready, moving, events, end: endOf(started, events), peakMiB: peakOf(started.pid) };
}

async function endOf(started: Started, events: readonly AgentEvent[]): Promise<AgentEnd> {
  const { exit, stdout } = await started.ended;
  const last = events.at(-1);
  return {
    exit,
    stdout,
    ...(last?.event === 'done' ? { report: last.report } : {}),
    ...(last?.event === 'failed' ? { error: last.error } : {}),
  };
}

/** Polls the peak of the resident memory. The kernel provides it only while the process exists. */
function peakOf(pid: number): () => number {
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      clearInterval(timer);
    }
  }, 50);
  timer.unref();
  return () => peak;
}

/** Resolves when `path` exists. */
export async function waitForDevice(path: string): Promise<void> {
  while (!existsSync(path)) await delay(5);
}
