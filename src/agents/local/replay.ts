/**
 * Replays captured states: through the same agents, disk, sender and receiver as a real save and restore.
 *
 *     STATE --save--> statefile --restore--> bare state
 *       '---- compared ----'                    |
 *       '---------------- compared -------------'
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameState } from '../../states/compare-states.js';
import type { TransferReport } from '../transfer-report.js';
import { type PairOptions, runPair } from './agent-pair.js';

export interface ReplayOptions extends Omit<PairOptions, 'direction' | 'input' | 'output' | 'qemu' | 'replace'> {
  /** Where the intermediate files go; a folder is made there, and removed. */
  readonly scratchDir: string;
  /** The states are bytes that are no QEMU states. */
  readonly opaque: boolean;
}

/** One state that came out identical both ways. */
export interface ReplayReport {
  readonly state: string;
  readonly bytes: number;
  readonly dataRecords: number;
  /** From the first frame that the receiver saw to its acknowledgement, milliseconds: starting the processes is not in it. */
  readonly saveMs: number;
  readonly restoreMs: number;
  readonly sha256: string | undefined;
  readonly chain: string;
}

/** @throws StubferryError when a transfer fails, REPLAY_DIFFERS when a byte comes out wrong */
export async function replayState(state: string, options: ReplayOptions): Promise<ReplayReport> {
  const { opaque } = options;
  const folder = await mkdtemp(join(options.scratchDir, 'stubferry-replay-'));
  try {
    const statefile = join(folder, 'saved.state');
    const restored = join(folder, 'restored.qevm');
    const saved = await runPair({
      ...options,
      direction: 'save',
      input: state,
      output: statefile,
      qemu: undefined,
      replace: false,
    });
    await assertSameState(state, statefile, { opaque, copyIsBare: false });
    const back = await runPair({
      ...options,
      direction: 'restore',
      input: statefile,
      output: restored,
      qemu: undefined,
      replace: false,
    });
    const bytes = await assertSameState(state, restored, { opaque, copyIsBare: true });
    return {
      state,
      bytes,
      dataRecords: saved.state.dataRecords,
      saveMs: elapsed(saved.state),
      restoreMs: elapsed(back.state),
      sha256: saved.state.sha256,
      chain: saved.state.chain,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function elapsed(report: TransferReport): number {
  return report.acknowledgedAt - report.firstByteAt;
}
