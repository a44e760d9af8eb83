/** Runs the programs that are compared, as a user would: as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const STUBFERRY = fileURLToPath(new URL('../cli/main.js', import.meta.url));

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

/** The part of an agent's report that is used here. Instants as {@link now}. */
export interface Report {
  readonly bytes: number;
  readonly firstByteAt: number;
  readonly acknowledgedAt: number;
}

export interface Agent {
  readonly child: ChildProcess;
  /** Resolves when the agent is on the transfer disk. */
  readonly ready: Promise<void>;
  readonly report: Promise<Report>;
}

/** Starts `stubferry agent NAME`. */
export function startAgent(name: 'dom0' | 'stubdom', args: readonly string[]): Agent {
  const stdio = ['ignore', 'ignore', 'inherit', 'pipe'] as const;
  const child = spawn(process.execPath, [STUBFERRY, 'agent', name, '--events-fd', '3', ...args], {
    stdio: [...stdio],
  });
  const lines = createInterface({ input: child.stdio[3] as Readable });
  let isReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const report = new Promise<Report>((resolve, reject) => {
    lines.on('line', (line) => {
      const event = JSON.parse(line) as { event: string; report?: Report; error?: unknown };
      if (event.event === 'ready') isReady();
      if (event.event === 'done' && event.report !== undefined) resolve(event.report);
      if (event.event === 'failed') reject(new Error(`${name}: ${JSON.stringify(event.error)}`));
    });
    child.once('exit', (status, signal) => reject(new Error(`${name} agent: ${status ?? signal}`)));
  });
  return { child, ready, report };
}
