/**
 * 1 GiB through a 32 MiB ring, against the same bytes through a pipe, and against `dd` to the same loop device.
 *
 * All rounds run in turn, so that a slow minute of the machine hits each of them. Source: a file on tmpfs. Sink:
 * /dev/null. stubferry's time is the sender's, from the first byte offered to COMMITTED: starting Node is not in it, and
 * neither is starting dd, which takes 1 to 2 ms.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startAgent, timeShell } from './processes.js';
import { median, spread } from './statistics.js';

const MIB = 1024;
const ROUNDS = 5;

export interface ThroughputResult {
  readonly name: string;
  /** GiB/s of each round. */
  readonly rates: readonly number[];
}

async function stubferry(folder: string, source: string, digest: 'chain' | 'sha256', disk: string): Promise<number> {
  const common = ['--disk', disk, '--opaque', '--digest', digest];
  const dom0 = startAgent('dom0', [...common, '--save', '/dev/null', '--raw', '--spool-dir', folder]);
  const stubdom = startAgent('stubdom', [...common, '--source', source]);
  const [, report] = await Promise.all([dom0.report, stubdom.report]);
  return report.acknowledgedAt - report.firstByteAt;
}

/** A loop device over a file on tmpfs, when we are root; else undefined. */
function attachLoop(file: string): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  execFileSync('truncate', ['-s', '33619968', file]);
  return execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
}

export async function throughput(folder: string): Promise<ThroughputResult[]> {
  const source = join(folder, 'source');
  await timeShell(`dd if=/dev/urandom of=${source} bs=1M count=${MIB} status=none`);
  const loopFile = join(folder, 'loop.img');
  const loop = attachLoop(loopFile);
  const contenders: [string, () => Promise<number>][] = [
    ['dd bs=1M | dd bs=1M', () => timeShell(`dd if=${source} bs=1M status=none | dd bs=1M of=/dev/null status=none`)],
    ['stubferry --digest chain', () => stubferry(folder, source, 'chain', join(folder, 'a.img'))],
    ['stubferry (sha256)', () => stubferry(folder, source, 'sha256', join(folder, 'b.img'))],
  ];
  if (loop !== undefined) {
    // 32 passes over the 32 MiB of the device: as many bytes, in the same place, as the ring would see.
    const pass = `dd if=${source} of=${loop} bs=1M count=32 oflag=direct status=none`;
    contenders.push(['dd oflag=direct to loop', () => timeShell(`for i in {1..32}; do ${pass}; done`)]);
  }
  const times = new Map<string, number[]>(contenders.map(([name]) => [name, []]));
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, run] of contenders) times.get(name)?.push(await run());
    }
  } finally {
    if (loop !== undefined) execFileSync('losetup', ['--detach', loop]);
  }
  const gib = statSync(source).size / 2 ** 30;
  rmSync(source);
  return [...times].map(([name, samples]) => ({ name, rates: samples.map((ms) => (gib / ms) * 1000) }));
}

/** Rows for the table: rate, and ratio of each round's rate to the first contender's in the same round. */
export function throughputRows(results: readonly ThroughputResult[]): string[][] {
  const pipe = results[0]?.rates ?? [];
  return results.map(({ name, rates }) => [
    name,
    spread(rates),
    median(rates.map((rate, round) => rate / (pipe[round] ?? Number.NaN))).toFixed(2),
  ]);
}
