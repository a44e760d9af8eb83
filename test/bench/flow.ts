/**
 * Moves the same bytes with each program: from a file on tmpfs to /dev/null, and for `dd` with direct I/O to and from a
 * loop device over tmpfs.
 *
 * All programs take turns in every round, so that a slow minute of the machine affects each of them. stubferry's time
 * is the sender's, from the first byte offered to COMMITTED. It includes neither the start of Node nor that of dd,
 * which takes 1 to 2 ms.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled } from './machine.js';
import { timeShell } from './processes.js';
import { type Contender, type Flow, NAMES, type SideCosts } from './results.js';
import { type TransferOptions, transfer } from './transfer.js';

/** The length of the loop device: that of stubferry's disk with its default ring. */
const LOOP_BYTES = 33_619_968;
const PASS_MIB = 32;

interface Taken {
  readonly ms: number;
  readonly costs?: SideCosts;
}

type Run = () => Promise<Taken>;

export async function flow(folder: string, mib: number, rounds: number, loops: boolean): Promise<Flow> {
  const source = join(folder, 'source');
  await timeShell(`dd if=/dev/urandom of=${source} bs=1M count=${mib} status=none`);
  const loop = loops ? attachLoop(join(folder, 'loop.img')) : undefined;
  const runs = contenders(folder, source, mib, loop);
  const taken = runs.map((): Taken[] => []);
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, [, run]] of runs.entries()) taken[index]?.push(await run());
    }
  } finally {
    if (loop !== undefined) execFileSync('losetup', ['--detach', loop]);
    rmSync(source);
  }
  return {
    mib,
    contenders: runs.map(([name], index): Contender => {
      const all = taken[index] ?? [];
      const costs = all.flatMap((one) => one.costs ?? []);
      return { name, ms: all.map((one) => one.ms), ...(costs.length > 0 ? { costs } : {}) };
    }),
  };
}

function contenders(folder: string, source: string, mib: number, loop: string | undefined): [string, Run][] {
  const shell = (command: string): Run => {
    return async () => ({ ms: await timeShell(command) });
  };
  const ours = (options: Pick<TransferOptions, 'attach' | 'digest'>): Run => {
    return () => transfer({ folder, source, ...options });
  };
  const [copy, socket] = [join(folder, 'copy'), join(folder, 'socket')];
  const all: [string, Run][] = [
    [NAMES.pipe, shell(`dd if=${source} bs=1M status=none | dd bs=1M of=/dev/null status=none`)],
    [NAMES.cat, async () => ({ ms: await timeCopy(source, copy) })],
  ];
  if (isInstalled('socat')) {
    const listen = `socat -u -b 1048576 UNIX-LISTEN:${socket} OPEN:/dev/null`;
    const send = `socat -u -b 1048576 OPEN:${source} UNIX-CONNECT:${socket},retry=100,interval=0.01`;
    all.push([NAMES.socat, shell(`rm -f ${socket}; ${listen} & ${send} && wait`)]);
  }
  if (loop !== undefined) {
    // The number and the offsets of the bytes are those of the ring.
    const passes = `for i in {1..${Math.ceil(mib / PASS_MIB)}}; do`;
    const size = `bs=1M count=${PASS_MIB} status=none`;
    all.push([NAMES.directWrite, shell(`${passes} dd if=${source} of=${loop} oflag=direct ${size}; done`)]);
    all.push([NAMES.directRead, shell(`${passes} dd if=${loop} of=/dev/null iflag=direct ${size}; done`)]);
    all.push([NAMES.chainLoop, ours({ attach: 'loop', digest: 'chain' })]);
    all.push([NAMES.shaLoop, ours({ attach: 'loop', digest: 'sha256' })]);
  }
  all.push([NAMES.chainFile, ours({ attach: 'file', digest: 'chain' })]);
  all.push([NAMES.shaFile, ours({ attach: 'file', digest: 'sha256' })]);
  return all;
}

/** Measures the copy, without the time to remove it. */
async function timeCopy(source: string, copy: string): Promise<number> {
  const ms = await timeShell(`cat ${source} > ${copy}`);
  rmSync(copy);
  return ms;
}

function attachLoop(file: string): string {
  execFileSync('truncate', ['-s', `${LOOP_BYTES}`, file]);
  return execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
}
