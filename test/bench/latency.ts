/**
 * Measures the time from the first byte offered to COMMITTED, while both agents run and wait. Real device states go
 * through a FIFO, as QEMU writes them, into a statefile. Each sample has its own pair of agents, as in real use.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type Agent, cpuMsOf, now, startAgent } from './processes.js';
import type { IdleResult, LatencyResult } from './results.js';

/** A delay after which both agents poll at the slowest step of their poll back-off, in milliseconds. */
const SETTLE_MS = 300;
const IDLE_SECONDS = 30;

export interface LatencyCase {
  readonly name: string;
  /** The path of a captured state, below fixtures/. */
  readonly fixture: string;
  readonly attach: 'file' | 'loop';
  /** The directory of the statefile. */
  readonly destination: string;
  readonly count: number;
}

interface Pair {
  readonly dom0: Agent;
  readonly stubdom: Agent;
  readonly fifo: string;
  readonly output: string;
}

let pairs = 0;

async function waitingPair(folder: string, destination: string, attach: 'file' | 'loop'): Promise<Pair> {
  pairs += 1;
  const [fifo, disk] = [join(folder, `fifo.${pairs}`), join(folder, `latency.${pairs}.img`)];
  const output = join(destination, `state.${pairs}`);
  execFileSync('mkfifo', [fifo]);
  const dom0 = startAgent('dom0', ['--disk', disk, '--attach', attach, '--save', output]);
  const device = await dom0.attached;
  const stubdom = startAgent('stubdom', ['--disk', device, '--source', fifo]);
  await Promise.all([dom0.ready, stubdom.ready]);
  return { dom0, stubdom, fifo, output };
}

async function sample(folder: string, state: Buffer, { destination, attach }: LatencyCase): Promise<number> {
  const { dom0, stubdom, fifo, output } = await waitingPair(folder, destination, attach);
  const writer = openSync(fifo, 'w');
  await delay(SETTLE_MS);
  const offered = now();
  for (let done = 0; done < state.length; ) done += writeSync(writer, state, done);
  closeSync(writer);
  const [report] = await Promise.all([stubdom.report, dom0.report, stubdom.usage, dom0.usage]);
  rmSync(fifo);
  rmSync(output);
  return report.acknowledgedAt - offered;
}

export async function latency(folder: string, one: LatencyCase): Promise<LatencyResult> {
  const state = fixtureBytes(one.fixture);
  const samples: number[] = [];
  while (samples.length < one.count) samples.push(await sample(folder, state, one));
  return { name: one.name, bytes: state.length, samples };
}

/** Measures `cat` in the same way, until its end. It verifies nothing and makes nothing durable. */
export async function catLatency(folder: string, fixture: string, count: number): Promise<LatencyResult> {
  const state = fixtureBytes(fixture);
  const [fifo, output] = [join(folder, 'fifo.cat'), join(folder, 'state.cat')];
  execFileSync('mkfifo', [fifo]);
  const samples: number[] = [];
  while (samples.length < count) {
    const child = spawn('bash', ['-c', `exec cat ${fifo} > ${output}`], { stdio: 'ignore' });
    // The open waits for the reader.
    const writer = openSync(fifo, 'w');
    await delay(SETTLE_MS / 10);
    const ended = once(child, 'exit');
    const offered = now();
    for (let done = 0; done < state.length; ) done += writeSync(writer, state, done);
    closeSync(writer);
    await ended;
    samples.push(now() - offered);
  }
  return { name: 'cat FIFO > file', bytes: state.length, samples };
}

export async function idle(folder: string, name: string, attach: 'file' | 'loop'): Promise<IdleResult> {
  const { dom0, stubdom, fifo, output } = await waitingPair(folder, folder, attach);
  const writer = openSync(fifo, 'w');
  await delay(1000);
  const used = (): [number, number] => [cpuMsOf(stubdom.child.pid ?? 0), cpuMsOf(dom0.child.pid ?? 0)];
  const [start, before] = [now(), used()];
  await delay(IDLE_SECONDS * 1000);
  const [after, seconds] = [used(), (now() - start) / 1000];
  writeSync(writer, fixtureBytes(MINIMAL));
  closeSync(writer);
  await Promise.all([stubdom.usage, dom0.usage]);
  rmSync(fifo);
  rmSync(output);
  return { name, seconds, stubdomMs: after[0] - before[0], dom0Ms: after[1] - before[1] };
}

const FIXTURES = new URL('../../fixtures/', import.meta.url).pathname;

/** The state of a guest with the fewest devices, captured on real Xen. */
export const MINIMAL = 'xen-states/xen-minimal.qevm';
/** The state of a guest with e1000, USB and VGA. */
export const USUAL = 'device-states/pc-default.xen.qevm.gz';

function fixtureBytes(name: string): Buffer {
  const stored = readFileSync(join(FIXTURES, name));
  return name.endsWith('.gz') ? gunzipSync(stored) : stored;
}
