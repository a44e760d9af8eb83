/**
 * `npm run bench`: measures on this machine, and prints only the results of this run.
 *
 *     --json FILE   also stores every sample
 *     --quick       makes one round of each measurement, to check that it works
 *     --long        includes states up to 16 GiB, and 1000 transfers of the smallest one
 *     --readme      measures nothing; writes README.md, docs/development/benchmark-results.md and
 *                   docs/bench/*.svg from docs/bench/*.json
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { flow } from './flow.js';
import { catLatency, idle, type LatencyCase, latency, MINIMAL, USUAL } from './latency.js';
import { hasLoops, isInstalled, machine } from './machine.js';
import { migrations } from './migration.js';
import { plots } from './plots.js';
import { proxyLatency } from './qmp-proxy.js';
import { machineText, RESULTS_PAGE, withPerformance, withTargets } from './readme.js';
import type { LatencyResult, Results } from './results.js';
import { rings, sizes } from './sizes.js';
import { tables, tableText } from './tables.js';
import type { XenResults } from './xen-results.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const stored = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, 'docs/bench', name), 'utf8'));

interface Extent {
  readonly rounds: number;
  readonly flowMib: number;
  readonly samples: number;
  readonly long: boolean;
}

const QUICK: Extent = { rounds: 1, flowMib: 256, samples: 5, long: false };
const USUAL_EXTENT: Extent = { rounds: 5, flowMib: 1024, samples: 100, long: false };
const LONG: Extent = { ...USUAL_EXTENT, samples: 1000, long: true };

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean' },
    long: { type: 'boolean' },
    readme: { type: 'boolean' },
  },
});

if (values.readme === true) writeReadme();
else {
  const results = await measure(values.long === true ? LONG : values.quick === true ? QUICK : USUAL_EXTENT);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results)}\n`);
  process.stdout.write(`${[`${machineText(results.machine)}\n`, ...tables(results).map(tableText)].join('\n')}`);
}

function writeReadme(): void {
  const results = stored('results.json') as Results;
  const onXen = stored('xen-results.json') as XenResults;
  const rewrite = (path: string, change: (text: string) => string): void =>
    writeFileSync(join(ROOT, path), change(readFileSync(join(ROOT, path), 'utf8')));
  rewrite(RESULTS_PAGE, (page) => withPerformance(page, results, onXen));
  rewrite('README.md', (readme) => withTargets(readme, results));
  for (const { file, svg } of plots(results)) writeFileSync(join(ROOT, 'docs/bench', file), svg);
}

async function measure({ rounds, flowMib, samples, long }: Extent): Promise<Results> {
  const loops = hasLoops();
  const attach = loops ? 'loop' : 'file';
  if (!loops) say('left out, needs root and loop devices: everything over a loop device');
  if (!isInstalled('socat')) say('left out, is not installed: socat');
  const folder = mkdtempSync('/dev/shm/stubferry-bench-');
  try {
    const of = machine();
    say('one flow by each way ...');
    const flowed = await flow(folder, flowMib, rounds, loops);
    say('sizes of the state ...');
    const bySize = await sizes(folder, Math.ceil(rounds / 2), attach, long);
    say('sizes of the ring ...');
    const byRing = await rings(folder, Math.ceil(rounds / 2), attach);
    say('waiting ...');
    const waiting = [await idle(folder, 'over a shared file', 'file')];
    if (loops) waiting.push(await idle(folder, 'over a loop device', 'loop'));
    const latencies = await measureLatency(folder, samples, loops);
    say('through the proxy ...');
    const proxy = await proxyLatency(folder);
    if (proxy === undefined)
      say('left out, needs qemu-system-x86_64: the proxy against a plain file, a machine with its RAM');
    else say('a machine with its RAM ...');
    const migration = await migrations(folder, rounds);
    return {
      machine: of,
      flow: flowed,
      sizes: bySize,
      rings: byRing,
      idle: waiting,
      latency: latencies,
      proxy,
      migration,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureLatency(folder: string, samples: number, loops: boolean): Promise<LatencyResult[]> {
  const fewer = Math.min(40, Math.ceil(samples / 2));
  // dist/ is usually on a disk, so that the state must be made durable.
  const onDisk = mkdtempSync(join(ROOT, 'dist/bench-'));
  const base = { fixture: MINIMAL, attach: 'file', destination: folder, count: fewer } as const;
  const cases: LatencyCase[] = [
    { ...base, name: 'minimal guest, real Xen', count: samples },
    { ...base, name: 'pc with e1000, USB and VGA', fixture: USUAL },
    { ...base, name: 'minimal guest, statefile on a disk', destination: onDisk },
  ];
  if (loops) cases.push({ ...base, name: 'minimal guest, loop device', attach: 'loop' });
  const results: LatencyResult[] = [];
  try {
    for (const one of cases) {
      say(`latency: ${one.name} ...`);
      results.push(await latency(folder, one));
    }
    results.push(await catLatency(folder, MINIMAL, fewer));
  } finally {
    rmSync(onDisk, { recursive: true, force: true });
  }
  return results;
}

function say(words: string): void {
  process.stderr.write(`${words}\n`);
}
