/**
 * Measures throughput for several sizes of the state and of the ring. The state is a sparse file, so that 16 GiB need
 * no memory. `dd | dd` reads the same file.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { timeShell } from './processes.js';
import { RING_STATE_MIB, type RingResult, type SideCosts, type SizeResult } from './results.js';
import { type TransferOptions, transfer } from './transfer.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const SIZES = [4 * KIB, 64 * KIB, MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB, 4 * GIB];
const LONG_SIZES = [...SIZES, 16 * GIB];
/** The size from which one round is enough, because a long transfer averages out variations. */
const ONE_ROUND_FROM = 4 * GIB;

type Attach = TransferOptions['attach'];

export async function sizes(folder: string, rounds: number, attach: Attach, long: boolean): Promise<SizeResult[]> {
  const results: SizeResult[] = [];
  for (const bytes of long ? LONG_SIZES : SIZES) {
    const source = blankState(folder, bytes);
    const [ms, pipeMs, costs]: [number[], number[], SideCosts[]] = [[], [], []];
    for (let round = 0; round < (bytes >= ONE_ROUND_FROM ? 1 : rounds); round += 1) {
      pipeMs.push(await timeShell(`dd if=${source} bs=1M status=none | dd bs=1M of=/dev/null status=none`));
      const { ms: taken, ...cost } = await transfer({ folder, source, attach, digest: 'chain' });
      ms.push(taken);
      costs.push(cost);
    }
    rmSync(source);
    results.push({ bytes, ms, pipeMs, costs });
  }
  return results;
}

const RINGS_MIB = [4, 8, 16, 32, 64, 128, 512];

export async function rings(folder: string, rounds: number, attach: Attach): Promise<RingResult[]> {
  const source = blankState(folder, RING_STATE_MIB * MIB);
  const taken = RINGS_MIB.map((mib) => ({ mib, ms: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { mib, ms } of taken)
      ms.push((await transfer({ folder, source, attach, digest: 'chain', ring: `${mib}M` })).ms);
  }
  rmSync(source);
  return taken;
}

function blankState(folder: string, bytes: number): string {
  const source = join(folder, 'blank');
  execFileSync('truncate', ['-s', `${bytes}`, source]);
  return source;
}
