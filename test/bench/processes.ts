/** Runs the programs that are compared, as a user would: as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const STUBFERRY = fileURLToPath(new URL('../stubferry.mjs', import.meta.url));
const USAGE_AT_EXIT = new URL('./usage-at-exit.js', import.meta.url).href;

/** Of the clock in which /proc counts processor time: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Milliseconds on CLOCK_MONOTONIC: the clock in which agents report their instants. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Runs a shell command to its end. @returns milliseconds. @throws when it fails */
export async function timeShell(command: string): Promise<number> {
  const start = now();
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`${command}: status ${status}`);
  return now() - start;
}

/** Processor time that a live process has used so far, with all its threads, milliseconds. */
export function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in brackets, may hold anything; utime and stime are the 14th and 15th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The part of an agent's report that is used here. Instants as {@link now}. */
export interface Report {
  readonly bytes: number;
  readonly firstByteAt: number;
  readonly acknowledgedAt: number;
}

/** What a process has used. */
export interface Usage {
  readonly cpuMs: number;
  /** Greatest resident memory. */
  readonly peakKib: number;
}

export interface Agent {
  readonly child: ChildProcess;
  /** Resolves to the device of the stubdom when the disk is attached: dom0's agent. */
  readonly attached: Promise<string>;
  /** Resolves when the agent is on the transfer disk, to the processor time that it took to come there, milliseconds. */
  readonly ready: Promise<number>;
  readonly report: Promise<Report>;
  /** Of its whole life. */
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
  /** The first event that `pick` makes something of, or an error when the agent has ended without it. */
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
