/**
 * What V8 has compiled of the agent after it has carried states through itself: with it the agent starts in 60 % of the time, and the first save
 * finds its code compiled.
 *
 *     make-code-cache.cjs --> the agent with a gate, in a folder of its own --> it has rehearsed transfers --> SIGTERM --> agent.cache
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { printable, StubferryError } from '../errors/index.js';
import { PACKAGE_ROOT } from '../package-root.js';

const MAKER = join(PACKAGE_ROOT, 'dist/stubdom/make-code-cache.cjs');

/** Ten times what it takes on a machine with much else to do. */
const LIMIT_MS = 60_000;

/** So that the same agent has the same cache, as far as V8 goes: the seed of its hash tables is in it otherwise. */
const SAME_SEED = '--random-seed=1';

/** In the agent's words when it has rehearsed transfers, and when it cannot: then the cache has less in it. */
const REHEARSED = 'rehearse';

/**
 * @param node that the image has. @param script the agent's, in the image. @param cache where the code cache goes
 * @throws StubferryError UNFIT_PARTS when the agent does not run with this Node
 */
export async function makeCodeCache(node: string, script: string, cache: string, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stubferry-agent-'));
  try {
    const place = ['--disk', join(folder, 'disk'), '--qmp', join(folder, 'qmp'), '--gate', join(folder, 'gate')];
    const work = [...place, '--fifo-dir', folder, '--spool-dir', folder];
    const agent = ['--log-level', 'debug', 'agent', 'stubdom', ...work];
    await rehearsed(node, cache, [SAME_SEED, MAKER, script, cache, ...agent], signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rehearsed(node: string, cache: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'], signal, timeout: LIMIT_MS });
  const last: string[] = [];
  let isReady = false;
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line);
    if (last.length > 4) last.shift();
    if (isReady || !line.includes(REHEARSED)) return;
    isReady = true;
    child.kill('SIGTERM');
  });
  await once(child, 'close').catch((cause: unknown) => {
    signal.throwIfAborted();
    last.push(`${cause}`);
  });
  const made = await stat(cache).catch(() => undefined);
  if (isReady && made !== undefined) return;
  throw new StubferryError('UNFIT_PARTS', 'the agent does not run with this Node', {
    where: node,
    expected: 'the version of Node with which stubferry was installed: its addon fs-ext is built for that',
    found: printable(last.join('; '), 500),
    hint: "install stubferry with that Node, or leave '--node' away",
  });
}
