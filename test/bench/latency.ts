/**
 * From the first byte offered to COMMITTED, with both agents up and waiting: real device states through a FIFO, as QEMU
 * writes them, into a statefile on tmpfs. One pair of agents for each sample, as in life.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { now, startAgent } from './processes.js';

const SAMPLES = 40;
/** Long enough that both agents are on the idle step of their waiting ladder. */
const SETTLE_MS = 300;

export interface LatencyResult {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds. */
  readonly samples: readonly number[];
}

async function sample(folder: string, state: Buffer, index: number): Promise<number> {
  const fifo = join(folder, `fifo.${index}`);
  execFileSync('mkfifo', [fifo]);
  const disk = join(folder, `latency.${index}.img`);
  const dom0 = startAgent('dom0', ['--disk', disk, '--save', join(folder, `state.${index}`)]);
  const stubdom = startAgent('stubdom', ['--disk', disk, '--source', fifo]);
  await Promise.all([dom0.ready, stubdom.ready]);
  const writer = openSync(fifo, 'w');
  await delay(SETTLE_MS);
  const offered = now();
  for (let done = 0; done < state.length; ) done += writeSync(writer, state, done);
  closeSync(writer);
  const [report] = await Promise.all([stubdom.report, dom0.report]);
  return report.acknowledgedAt - offered;
}

export async function latency(folder: string, name: string, fixture: string): Promise<LatencyResult> {
  const stored = readFileSync(fixture);
  const state = fixture.endsWith('.gz') ? gunzipSync(stored) : stored;
  const samples: number[] = [];
  for (let index = 0; index < SAMPLES; index += 1) samples.push(await sample(folder, state, samples.length));
  execFileSync('bash', ['-c', `rm -f ${folder}/fifo.* ${folder}/state.*`]);
  return { name, bytes: state.length, samples };
}
