/**
 * Runs the built program as a user does: as a process with its own streams and exit status.
 * A process that a test has started and that still runs after the test is killed.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach } from '@jest/globals';
import type { ErrorReport } from '../../../src/base/errors/index.js';

/** The built program. */
export const PROGRAM = fileURLToPath(new URL('../../../dist/stubferry.mjs', import.meta.url));

/** The outcome of a process. */
export interface Ended {
  /** The exit status, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A process that was started. */
export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
}

/** The streams and working directory of a process. */
export interface How {
  /** Standard input: /dev/null, a pipe that the test writes to, or an open descriptor. */
  readonly stdin?: 'ignore' | 'pipe' | number;
  /** Standard output: a pipe that is collected, or an open descriptor. */
  readonly stdout?: 'pipe' | number;
  readonly cwd?: string;
}

const started = new Set<ChildProcess>();

/** Starts any program. Entries of `stdio` after the first three are up to the caller. */
export function start(command: string, args: readonly string[], stdio: StdioOptions, cwd?: string): Started {
  const child = spawn(command, [...args], { stdio, ...(cwd === undefined ? {} : { cwd }) });
  started.add(child);
  const collected = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => collected[name].push(chunk));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      started.delete(child);
      const [stdout, stderr] = [Buffer.concat(collected.stdout), `${Buffer.concat(collected.stderr)}`];
      resolve({ exit: status ?? signal ?? -1, stdout, stderr });
    });
  });
  return { child, pid: child.pid ?? 0, ended };
}

/** Starts `stubferry ARGS`. */
export function startStubferry(args: readonly string[], how: How = {}): Started {
  const stdio = [how.stdin ?? 'ignore', how.stdout ?? 'pipe', 'pipe'] as const;
  return start(process.execPath, [PROGRAM, ...args], [...stdio], how.cwd);
}

/** Runs `stubferry ARGS` and waits for its end. */
export function stubferry(args: readonly string[], how: How = {}): Promise<Ended> {
  return startStubferry(args, how).ended;
}

/** Runs a bash command in which `stubferry` is the program. Its pipes are real pipes. */
export function shell(line: string, cwd: string): Promise<Ended> {
  const script = `set -o pipefail; stubferry() { '${process.execPath}' '${PROGRAM}' "$@"; }; ${line}`;
  return start('bash', ['-c', script], ['ignore', 'pipe', 'pipe'], cwd).ended;
}

/** The one JSON document on standard output. @throws SyntaxError: standard output contains anything else */
export function documentOf<T>(ended: Ended): T {
  return JSON.parse(ended.stdout.toString()) as T;
}

/** The failure of a command with `--json`: its exit status and the error that it printed. */
export function failureOf(ended: Ended): { readonly exit: number | string } & ErrorReport {
  return { exit: ended.exit, ...documentOf<{ readonly error: ErrorReport }>(ended).error };
}

/** The process ids of the running child processes of `pid`. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

afterEach(async () => {
  for (const child of started) {
    const pids = child.pid === undefined ? [] : [child.pid, ...childrenOf(child.pid)];
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // The process has already ended.
      }
    }
  }
});
