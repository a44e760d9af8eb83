/**
 * Replays captured states through the same agents, disk, sender and receiver as a real save and restore.
 *
 *     STATE --save--> statefile --restore--> bare state
 *       '---compared------'                      |
 *       '---compared-----------------------------'
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameState } from '../../states/compare-states.js';
import type { TransferReport } from '../transfer-report.js';
import { type PairOptions, runPair } from './agent-pair.js';

/** Options of {@link replayState}. */
export interface ReplayOptions extends Omit<PairOptions, 'direction' | 'input' | 'output' | 'qemu' | 'replace'> {
  /** The parent directory of the temporary directory for the intermediate files. */
  readonly scratchDir: string;
  /** Whether the states may be bytes that are not a QEMU state. */
  readonly opaque: boolean;
}

/** The report of a state that was identical after the save and after the restore. */
export interface ReplayReport {
  readonly state: string;
  readonly bytes: number;
  readonly dataRecords: number;
  /**
   * Duration of the save, from the first frame at the receiver to its acknowledgement, in milliseconds. The start of
   * the processes is not included.
   */
  readonly saveMs: number;
  /** Duration of the restore, measured in the same way, in milliseconds. */
  readonly restoreMs: number;
  readonly sha256: string | undefined;
  readonly chain: string;
}

/**
 * Saves and restores the state in the file `state`, and compares both results with it.
 * @throws StubferryError REPLAY_DIFFERS: when a byte differs; other codes: when a transfer fails
 */
export async function replayState(state: string, options: ReplayOptions): Promise<ReplayReport> {
  const { opaque } = options;
  const directory = await mkdtemp(join(options.scratchDir, 'stubferry-replay-'));
  try {
    const statefile = join(directory, 'saved.state');
    const restored = join(directory, 'restored.qevm');
    const saved = await runPair({
      ...options,
      direction: 'save',
      input: state,
      output: statefile,
      qemu: undefined,
      replace: false,
    });
    await assertSameState(state, statefile, { opaque, copyIsBare: false });
    const loaded = await runPair({
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
      restoreMs: elapsed(loaded.state),
      sha256: saved.state.sha256,
      chain: saved.state.chain,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function elapsed(report: TransferReport): number {
  return report.acknowledgedAt - report.firstByteAt;
}
