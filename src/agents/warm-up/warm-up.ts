/**
 * Whole transfers before an agent says that it is ready: the real ends, disk and code, in a folder of their own.
 *
 * Code that runs for the first time is read, compiled and linked then, a function at a time: 20 to 100 us for each, while the guest is
 * stopped. Here it costs 0.2 to 0.3 s before an agent is ready. And an agent that cannot carry a few bytes through itself (a broken
 * installation) says so before anybody relies on it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { StubferryError } from '../../base/errors/index.js';
import type { Log } from '../../base/log.js';
import { WRITER } from '../../base/version.js';
import { LIMITS } from '../../formats/protocol/limits.js';
import { RING_START, type Superblock } from '../../formats/protocol/superblock.js';
import { NIL_UUID } from '../../formats/protocol/uuid.js';
import { StatefileReader } from '../../formats/statefile/index.js';
import { openSource } from '../../io/index.js';
import { DEFAULT_TIMEOUTS, diskSizeFor, formatDisk } from '../../transfer/ring/index.js';
import type { AgentContext } from '../agent-context.js';
import { prepareDom0End } from '../dom0/dom0-end.js';
import { runTransfer } from '../run-transfer.js';
import { prepareSaving } from '../stubdom/saving-end.js';
import { transferReport } from '../transfer-report.js';
import { warmUpFolder } from './warm-up-folder.js';
import { WarmUpStage } from './warm-up-stage.js';

/**
 * So many transfers: V8 compiles once more what is done often, in the background, and on a small machine that takes 0.7 ms of the processor
 * on which a state is waiting. A first state of 6674 bytes took 2.5 ms after 12 of them, 1.9 after 30, and 2.0 after 50 and 100.
 */
const TRANSFERS = 30;

/** On a machine on which they take longer than this, fewer of them, milliseconds. */
const LONGEST_MS = 3_000;

/** Of a state: of some frames. */
const BYTES = 8 * LIMITS.payload.min;

/** Until a state is offered, milliseconds: long enough for the receiver to sleep, and for a heartbeat. */
const OFFERED_AFTER_MS = 2;

const PROVENANCE = { targetUuid: NIL_UUID, targetDomid: 0, qemuVersion: '', machineType: '' };

const SUPERBLOCK: Superblock = {
  ringStart: RING_START,
  ringLength: LIMITS.ring.min,
  transferUuid: NIL_UUID,
  targetUuid: NIL_UUID,
  targetDomid: 0,
  direction: 'save',
  maxPayload: LIMITS.payload.min,
  maxState: BYTES,
  writer: WRITER,
};

/** What is said in a warm-up is for nobody. */
const UNHEARD: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * @param openFolder makes the folder for its files; tests give others
 * @throws StubferryError INTERNAL when the state does not come out as it went in
 */
export async function warmUp(log: Log, openFolder: typeof warmUpFolder = warmUpFolder): Promise<void> {
  const folder = await openFolder();
  if (folder === undefined) {
    log.info({}, 'no folder for the warm-up: the first state takes some milliseconds more');
    return;
  }
  try {
    const stage = await WarmUpStage.set(folder, diskSizeFor(SUPERBLOCK.ringLength));
    try {
      const state = emptyState(BYTES);
      const began = performance.now();
      const ms = (): number => Math.round(performance.now() - began);
      let transfers = 0;
      for (; transfers < TRANSFERS && ms() < LONGEST_MS; transfers += 1)
        await transfer(stage, state, transfers % 2 === 1);
      log.debug({ transfers, ms: ms() }, 'the warm-up is done');
    } finally {
      await stage.close();
    }
  } catch (cause) {
    const error = StubferryError.from(cause);
    if (error.code === 'INTERNAL') throw error;
    // A full file system, say. What the transfer itself needs may be all there.
    log.warn({ error: error.report() }, 'the warm-up failed');
  } finally {
    await folder.remove();
  }
}

/** A device state for its first bytes and its last one. */
function emptyState(length: number): Uint8Array {
  const state = new Uint8Array(length);
  state.set(Buffer.from('QEVM\0\0\0\x03\x04', 'latin1'));
  return state;
}

async function transfer(stage: WarmUpStage, state: Uint8Array, replace: boolean): Promise<void> {
  const context: AgentContext = {
    timeouts: { ...DEFAULT_TIMEOUTS, heartbeatMs: OFFERED_AFTER_MS },
    signal: new AbortController().signal,
    onEvent: stage.onEvent,
    log: UNHEARD,
  };
  await formatDisk(stage.sender, SUPERBLOCK);
  const sendable = { opaque: false, unpack: false, sha256: true, provenance: PROVENANCE };
  const saving = await prepareSaving({ path: stage.fifo }, sendable, context);
  const output = { output: stage.statefile, raw: false, replace, spoolFolder: stage.folder, spoolLimit: BYTES };
  const transferUuid = NIL_UUID;
  const dom0 = await prepareDom0End(
    { direction: 'save', ...output },
    { transferUuid, provenance: PROVENANCE },
    context,
  );
  const offered = delay(OFFERED_AFTER_MS).then(() => stage.offer(state));
  const [sent] = await Promise.all([
    runTransfer(stage.sender, SUPERBLOCK, { role: 'sender', open: () => saving.open() }, context),
    runTransfer(stage.receiver, SUPERBLOCK, dom0.task, context),
    offered,
  ]);
  await Promise.all([saving.close(true), dom0.close()]);
  context.onEvent({ event: 'done', report: transferReport(sent) });
  await check(stage.statefile);
  await stage.clear();
}

async function check(statefile: string): Promise<void> {
  const source = await openSource(statefile);
  try {
    const reader = await StatefileReader.open(source, statefile);
    while ((await reader.next()) !== undefined);
    if (reader.progress.bytes !== BYTES) throw new StubferryError('INTERNAL', 'the warm-up of a transfer lost bytes');
  } finally {
    await source.close();
  }
}
