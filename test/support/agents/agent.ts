/** One agent, started by hand: `stubferry agent NAME ...`, with its events. */
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentEvent, TransferReport } from '../../../src/agents/index.js';
import type { ErrorReport } from '../../../src/base/errors/index.js';
import { PROGRAM, type Started, start } from '../cli/run-stubferry.js';

export interface AgentEnd {
  /** The exit status, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals;
  /** What its last event said, if it had time for one. */
  readonly report?: TransferReport;
  readonly error?: ErrorReport;
  readonly stdout: Buffer;
}

export interface Agent extends Started {
  /** Resolves when it is on the transfer disk, or has ended without. */
  readonly ready: Promise<void>;
  readonly end: Promise<AgentEnd>;
  readonly events: readonly AgentEvent[];
  /** Resolves when it has told of a progress, or has ended. */
  readonly moving: Promise<void>;
  /** Most memory that was resident so far. */
  peakMiB(): number;
}

/**
 * Standard input is a pipe to be fed when `args` read it, else nothing.
 * @param logLevel what of its log goes to standard error, in lines of JSON
 */
export function startAgent(name: 'dom0' | 'stubdom', args: readonly string[], logLevel = 'silent'): Agent {
  const stdin = args.includes('-') ? 'pipe' : 'ignore';
  const argv = [PROGRAM, '--log-level', logLevel, 'agent', name, ...args, '--events-fd', '3'];
  const started = start(process.execPath, argv, [stdin, 'pipe', 'pipe', 'pipe']);
  const events: AgentEvent[] = [];
  const heard = new Map<string, () => void>();
  const lines = createInterface({ input: started.child.stdio[3] as Readable });
  const until = (event: AgentEvent['event']): Promise<void> =>
    new Promise((resolve) => {
      heard.set(event, resolve);
      lines.once('close', resolve);
    });
  const [ready, moving] = [until('ready'), until('progress')];
  lines.on('line', (line) => {
    const event = JSON.parse(line) as AgentEvent;
    events.push(event);
    heard.get(event.event)?.();
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

/** The kernel keeps the high-water mark until the process is gone, so it is looked at until then. */
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
