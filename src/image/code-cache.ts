/**
 * What V8 has compiled of the agent after it has carried states through itself: with it the agent starts in 60 % of the time, and the first save
 * finds its code compiled.
 *
 *     make-code-cache.cjs --> the agent with a proxy, in a folder of its own --> it has warmed up transfers --> SIGTERM --> agent.cache
 *     agent.cjs --version --> it takes the cache
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { printable, StubferryError } from '../base/errors/index.js';
import { PACKAGE_ROOT } from '../base/package-root.js';

const MAKER = join(PACKAGE_ROOT, 'dist/stubdom/make-code-cache.cjs');

/** Ten times what it takes on a machine with much else to do. The agent ends at SIGTERM, if it can. */
const LIMIT_MS = 60_000;

/** So that the same agent has the same cache, as far as V8 goes: the seed of its hash tables is in it otherwise. */
const SAME_SEED = '--random-seed=1';

/** In the agent's words when it has warmed up transfers, and when it cannot: then the cache has less in it. */
const WARMED_UP = 'warm-up';

/** The last lines that a program wrote to its standard error. */
const LINES = 4;

export interface AgentInImage {
  /** Paths on this machine: the Node that the image has, and in the image's folder the agent's start, its script and its code cache. */
  readonly node: string;
  readonly start: string;
  readonly script: string;
  readonly cache: string;
}

/** Makes the cache, and starts the agent with it. @throws StubferryError UNFIT_PARTS when the agent does not run with this Node */
export async function makeCodeCache(agent: AgentInImage, signal: AbortSignal): Promise<void> {
  const { node, start, script, cache } = agent;
  const folder = await mkdtemp(join(tmpdir(), 'stubferry-agent-'));
  try {
    const place = ['--disk', join(folder, 'disk'), '--qmp', join(folder, 'qmp'), '--qmp-proxy', join(folder, 'proxy')];
    const work = [...place, '--fifo-dir', folder, '--spool-dir', folder];
    const args = ['--log-level', 'debug', 'agent', 'stubdom', ...work];
    const made = await run(node, [SAME_SEED, MAKER, script, cache, ...args], signal, WARMED_UP);
    if (!made.isStopped) throw unfit(agent, made.lines);
    const started = await run(node, [start, '--version'], signal);
    if (started.status !== 0 || started.lines.length > 0) throw unfit(agent, started.lines);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface End {
  readonly status: number | null;
  /** Whether it was stopped at the word that it was to be stopped at. */
  readonly isStopped: boolean;
  /** The last lines of its standard error. */
  readonly lines: readonly string[];
}

/** Resolves when it has ended. @param stopAt it is ended with SIGTERM when it writes this. @throws the signal's reason */
async function run(node: string, args: readonly string[], signal: AbortSignal, stopAt?: string): Promise<End> {
  signal.throwIfAborted();
  const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'], env: withoutNodes() });
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
  const timer = setTimeout(kill, LIMIT_MS);
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

/** Options of V8 in NODE_OPTIONS would be in the cache, and in the stubdom they are not set. */
function withoutNodes(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_')));
}

function unfit({ node }: AgentInImage, lines: readonly string[]): StubferryError {
  return new StubferryError('UNFIT_PARTS', 'the agent does not run with this Node', {
    where: node,
    expected: 'the version of Node with which stubferry was installed: its addon fs-ext is built for that',
    found: lines.length === 0 ? 'an agent that says nothing' : printable(lines.join('; '), 500),
    hint: "install stubferry with that Node, or leave '--node' away",
  });
}
