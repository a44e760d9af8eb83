/**
 * Makes the agent's code cache: the code that V8 has compiled when the agent has finished its warm-up. With the cache
 * the agent starts in 60 % of the time, and the code that the first save needs is already compiled.
 *
 *     make-code-cache.cjs --> agent with the proxy --> end of the warm-up --> SIGTERM --> agent.cache
 *     agent.cjs --version --> V8 accepts the cache
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { printable, StubferryError } from '../base/errors/index.js';
import { PACKAGE_ROOT } from '../base/package-root.js';
import { TIMEOUTS } from '../base/time/timeouts.js';

const MAKER = join(PACKAGE_ROOT, 'dist/stubdom/make-code-cache.cjs');

/** A fixed seed of V8's hash tables, which are part of the cache: the same agent should give the same cache. */
const SAME_SEED = '--random-seed=1';

/**
 * The text in the agent's log line at the end of its warm-up. A failed warm-up logs it as well; the cache then contains
 * less code.
 */
const WARMED_UP = 'warm-up';

/** How many lines of a program's standard error are kept. */
const LINES = 4;

/** The files of the agent in the image that is being built. All paths are on this machine. */
export interface AgentInImage {
  /** The image's Node. */
  readonly node: string;
  /** The program that starts the agent from its code cache. */
  readonly start: string;
  /** The agent's script. */
  readonly script: string;
  /** The code cache to write. */
  readonly cache: string;
}

/**
 * Makes the cache, and then starts the agent with it as a check.
 *
 * @throws StubferryError UNFIT_PARTS: when the agent does not run with this Node
 * @throws the signal's reason
 */
export async function makeCodeCache(agent: AgentInImage, signal: AbortSignal): Promise<void> {
  const { node, start, script, cache } = agent;
  const directory = await mkdtemp(join(tmpdir(), 'stubferry-agent-'));
  try {
    const inDirectory = (name: string): string => join(directory, name);
    const endpoints = ['--disk', inDirectory('disk'), '--qmp', inDirectory('qmp'), '--qmp-proxy', inDirectory('proxy')];
    const work = [...endpoints, '--fifo-dir', directory, '--spool-dir', directory];
    const args = ['--log-level', 'debug', 'agent', 'stubdom', ...work];
    const made = await run(node, [SAME_SEED, MAKER, script, cache, ...args], signal, WARMED_UP);
    if (!made.isStopped) throw unfit(agent, made.lines);
    const started = await run(node, [start, '--version'], signal);
    if (started.status !== 0 || started.lines.length > 0) throw unfit(agent, started.lines);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface End {
  readonly status: number | null;
  /** Whether it wrote the awaited text, got SIGTERM and ended without being killed. */
  readonly isStopped: boolean;
  /** The last lines of its standard error, at most {@link LINES}. */
  readonly lines: readonly string[];
}

/**
 * Runs Node, and resolves when it has ended.
 *
 * @param stopAt text at which it gets SIGTERM
 * @throws the signal's reason
 */
async function run(node: string, args: readonly string[], signal: AbortSignal, stopAt?: string): Promise<End> {
  signal.throwIfAborted();
  const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'], env: withoutNodeVariables() });
  const lines: string[] = [];
  let isStopped = false;
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (lines.length > LINES) lines.shift();
    if (isStopped || stopAt === undefined || !line.includes(stopAt)) return;
    isStopped = true;
    child.kill('SIGTERM');
  });
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, TIMEOUTS.codeCache);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const status = await ended(child);
    signal.throwIfAborted();
    return { status, isStopped: isStopped && child.signalCode === null, lines };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

/** V8 options from NODE_OPTIONS would become part of the cache, but they are not set in the stubdom. */
function withoutNodeVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_')));
}

function unfit({ node }: AgentInImage, lines: readonly string[]): StubferryError {
  return new StubferryError('UNFIT_PARTS', 'the agent does not run with this Node', {
    where: node,
    expected: 'the Node version with which stubferry was installed: its addon fs-ext is compiled for that version',
    found: lines.length === 0 ? 'an agent without output' : printable(lines.join('; '), 500),
    hint: "install stubferry with that Node, or omit '--node'",
  });
}
