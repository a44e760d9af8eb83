/** Runs the compared programs as separate processes, as a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const STUBFERRY = fileURLToPath(new URL('../stubferry.mjs', import.meta.url));
const USAGE_AT_EXIT = new URL('./usage-at-exit.js', import.meta.url).href;

/** The unit of processor time in /proc, in milliseconds. USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Returns the time of CLOCK_MONOTONIC in milliseconds. Agents report their instants in this clock. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Runs a shell command to its end. @returns the time in milliseconds. @throws Error: when it fails */
export async function timeShell(command: string): Promise<number> {
  const start = now();
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`${command}: status ${status}`);
  return now() - start;
}

/** Returns the processor time that all threads of a running process have used so far, in milliseconds. */
export function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name, in brackets, may contain any character. utime and stime are the 14th and 15th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The fields of an agent's report that are used here. Instants are in the clock of {@link now}. */
export interface Report {
  readonly bytes: number;
  readonly firstByteAt: number;
  readonly acknowledgedAt: number;
}

/** The resources that a process has used. */
export interface Usage {
  readonly cpuMs: number;
  /** The peak of resident memory. */
  readonly peakKib: number;
}

export interface Agent {
  readonly child: ChildProcess;
  /** Resolves to the stubdom's device when the disk is attached. Only the dom0 agent reports it. */
  readonly attached: Promise<string>;
  /**
   * Resolves when the agent has opened the transfer disk, to the processor time that it used until then, in
   * milliseconds.
   */
  readonly ready: Promise<number>;
  readonly report: Promise<Report>;
  /** The resources that the process used until its end. */
  readonly usage: Promise<Usage>;
}

type Event =
  | { readonly event: 'attached'; readonly device: string }
  | { readonly event: 'done'; readonly report: Report }
  | { readonly event: 'failed'; readonly error: unknown }
  | { readonly event: 'usage'; readonly usage: Usage }
  | { readonly event: 'ready' | 'other' };

/** Starts `stubferry agent NAME`. */
export function startAgent(name: 'dom0' | 'stubdom', args: readonly string[]): Agent {
  const stdio = ['ignore', 'ignore', 'inherit', 'pipe'] as const;
  const program = ['--import', USAGE_AT_EXIT, STUBFERRY, '--log-level', 'error', 'agent', name, '--events-fd', '3'];
  const child = spawn(process.execPath, [...program, ...args], { stdio: [...stdio] });
  const lines = createInterface({ input: child.stdio[3] as Readable });
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (status, signal) =>
      setImmediate(() => reject(new Error(`${name} agent ended: ${status ?? signal}`))),
    );
  });
  ended.catch(() => undefined);
  /** Resolves to the first defined result of `pick`. Rejects when the agent ends without such an event. */
  const until = <T>(pick: (event: Event) => T | undefined): Promise<T> => {
    const found = new Promise<T>((resolve, reject) => {
      lines.on('line', (line) => {
        const event = JSON.parse(line) as Event;
        if (event.event === 'failed') reject(new Error(`${name}: ${JSON.stringify(event.error)}`));
        const value = pick(event);
        if (value !== undefined) resolve(value);
      });
      lines.on('close', () => ended.catch(reject));
    });
    found.catch(() => undefined);
    return found;
  };
  return {
    child,
    attached: until((event) => (event.event === 'attached' ? event.device : undefined)),
    ready: until((event) => (event.event === 'ready' ? cpuMsOf(child.pid ?? 0) : undefined)),
    report: until((event) => (event.event === 'done' ? event.report : undefined)),
    usage: until((event) => (event.event === 'usage' ? event.usage : undefined)),
  };
}
