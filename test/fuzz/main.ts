/**
 * `npm run fuzz -- --runs 1000000 [--seed 1] [--from 0] [--jobs 1] [--only RUN]`: damages files, and passes them to all
 * readers.
 *
 * The exit status is 1 when a reader crashed, hung, used too much memory, or accepted a file that is certainly not
 * consistent. Every fault is printed with its run. `--only RUN` repeats a run, and writes its input to a file.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { fuzzRun } from './run.js';
import { allSeeds } from './seeds.js';
import type { Progress, Work } from './worker.js';

const FIXTURES = new URL('../../../../fixtures/', import.meta.url).pathname;
/**
 * How many seconds without progress are a hang. 200 runs take about 0.2 s, and ten times that on a busy machine. Ticks
 * of this process count the seconds, so that the time during which the process itself is stopped does not count.
 */
const HUNG_TICKS = 120;
const TICK_MS = 1000;
/** The limit of resident memory, in bytes. All seeds and two threads take 250 MiB. */
const MOST_RSS = 1024 ** 3;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const [runs, seed, first, jobs] = [values.runs, values.seed, values.from, values.jobs].map(Number) as [
  number,
  number,
  number,
  number,
];
process.exitCode = await (values.only === undefined ? manyRuns() : oneRun(Number(values.only)));

async function oneRun(run: number): Promise<number> {
  const { seed: start, mutated, result, fault } = await fuzzRun(await allSeeds(FIXTURES), seed, run);
  const path = join(tmpdir(), `fuzz-${seed}-${run}.bin`);
  writeFileSync(path, mutated.bytes);
  print(`${start.name}: ${mutated.what}: ${result}${fault === undefined ? '' : `: ${fault}`}\n${path}`);
  return fault === undefined ? 0 : 1;
}

async function manyRuns(): Promise<number> {
  const started = Date.now();
  const results: Record<string, number> = {};
  const done = Array.from({ length: jobs }, () => 0);
  let [faults, highest] = [0, 0];
  const note = (job: number, before: number, progress: Progress): number => {
    for (const [name, count] of Object.entries(progress.results)) results[name] = (results[name] ?? 0) + count;
    for (const { run, name, what, fault } of progress.faults) print(`FAULT in run ${run} (${name}: ${what}): ${fault}`);
    faults += progress.faults.length;
    highest = Math.max(highest, process.memoryUsage().rss);
    done[job] = (done[job] ?? 0) + progress.run - before;
    const all = done.reduce((sum, count) => sum + count, 0);
    if (Math.floor(all / 50_000) > Math.floor((all - progress.run + before) / 50_000))
      print(`${all} runs, ${summary(results)}`);
    return progress.run;
  };
  const share = Math.ceil(runs / jobs);
  const parts = Array.from({ length: jobs }, (_, job) => ({
    from: job * share,
    to: Math.min((job + 1) * share, runs),
  }));
  await Promise.all(parts.map((part, job) => work(part, (before, progress) => note(job, before, progress))));
  const total = Object.values(results).reduce((sum, count) => sum + count, 0);
  const seconds = (Date.now() - started) / 1000;
  print(
    `${total} runs of seed ${seed} from ${first} on in ${seconds.toFixed(0)} s, ${faults} faults, ${summary(results)}`,
  );
  print(`at most ${(highest / 2 ** 20).toFixed(0)} MiB of memory`);
  if (highest > MOST_RSS) print(`FAULT: more than ${MOST_RSS / 2 ** 20} MiB of memory`);
  return faults === 0 && total === runs && highest <= MOST_RSS ? 0 : 1;
}

/** Makes runs in a worker thread. Rejects when the thread reports no progress for too long, because a reader hangs. */
async function work(
  part: Pick<Work, 'from' | 'to'>,
  note: (before: number, progress: Progress) => number,
): Promise<void> {
  const workerData: Work = { fixtures: FIXTURES, seed, ...part };
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData });
  let next = part.from;
  let ticks: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    let silent = 0;
    ticks = setInterval(() => {
      silent += 1;
      if (silent > HUNG_TICKS) reject(new Error(`HANGS in one of the runs from ${next} on`));
    }, TICK_MS);
    worker.on('message', (progress: Progress) => {
      silent = 0;
      next = note(next, progress);
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  }).finally(() => {
    clearInterval(ticks);
    return worker.terminate();
  });
}

function summary(results: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(results).sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${count} ${name}`).join(', ');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
