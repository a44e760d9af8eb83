/**
 * The warm-up of an agent: complete transfers with real endpoints, a real disk and the real code, before the agent
 * reports that it is ready.
 *
 * V8 reads, compiles and links a function when it runs for the first time. That takes 20 to 100 us for each function,
 * and without a warm-up the guest would be stopped meanwhile. The warm-up takes 0.2 to 0.3 s. It also detects a broken
 * installation: an agent that cannot transfer a few bytes fails before anything depends on it.
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
import type { TransferSummary } from '../../transfer/index.js';
import { DEFAULT_TIMEOUTS, diskSizeFor, formatDisk } from '../../transfer/ring/index.js';
import type { AgentContext } from '../agent-context.js';
import { prepareDom0Endpoint } from '../dom0/dom0-endpoint.js';
import type { Task } from '../run-transfer.js';
import { prepareSaveSource } from '../stubdom/save-source.js';
import { type Prepare, TransferLifecycle } from '../transfer-lifecycle.js';
import { transferReport } from '../transfer-report.js';
import { makeWarmUpDirectory } from './warm-up-directory.js';
import { WarmUpStage } from './warm-up-stage.js';

/**
 * The number of transfers. V8 compiles frequent code a second time in the background. On a small machine that takes
 * 0.7 ms of the processor that a real transfer needs. The first state of 6674 bytes took 2.5 ms after 12 transfers,
 * 1.9 ms after 30, and 2.0 ms after 50 and after 100.
 */
const TRANSFERS = 30;

/** After this time no further transfer is started, in milliseconds. */
const LONGEST_MS = 3_000;

/** Size of each state, in bytes. It takes several frames. */
const BYTES = 8 * LIMITS.payload.min;

/**
 * Delay before a state is written to the FIFO, in milliseconds. The receiver sleeps and a heartbeat is due in
 * that time.
 */
const WRITE_DELAY_MS = 2;

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

const SUPERBLOCK_ORIGIN = { transferUuid: NIL_UUID, provenance: PROVENANCE };

/** The transfers of a warm-up are not logged. */
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Runs the warm-up. Other errors than INTERNAL are only logged.
 *
 * @param makeDirectory makes the directory for the files; tests pass another function
 * @throws StubferryError INTERNAL: when a transfer does not reproduce the state
 */
export async function warmUp(log: Log, makeDirectory: typeof makeWarmUpDirectory = makeWarmUpDirectory): Promise<void> {
  const directory = await makeDirectory();
  if (directory === undefined) {
    log.info({}, 'no directory for the warm-up: the first transfer takes some milliseconds longer');
    return;
  }
  try {
    const stage = await WarmUpStage.make(directory, diskSizeFor(SUPERBLOCK.ringLength));
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
    // The file system is full, for example. A real transfer may still succeed.
    log.warn({ error: error.report() }, 'the warm-up failed');
  } finally {
    await directory.remove();
  }
}

/** Returns a state whose first bytes and last byte are those of a device state. */
function emptyState(length: number): Uint8Array {
  const state = new Uint8Array(length);
  state.set(Buffer.from('QEVM\0\0\0\x03\x04', 'latin1'));
  return state;
}

async function transfer(stage: WarmUpStage, state: Uint8Array, replace: boolean): Promise<void> {
  const context: AgentContext = {
    timeouts: { ...DEFAULT_TIMEOUTS, heartbeatMs: WRITE_DELAY_MS },
    signal: new AbortController().signal,
    onEvent: stage.onEvent,
    log: SILENT,
  };
  await formatDisk(stage.sender, SUPERBLOCK);
  const receiver: Prepare = async (resources) => {
    const output = { output: stage.statefile, raw: false, replace, spoolDirectory: stage.directory, spoolLimit: BYTES };
    const { task, close } = await prepareDom0Endpoint({ direction: 'save', ...output }, SUPERBLOCK_ORIGIN, context);
    resources.add('the statefile', close);
    return async () => ({ device: stage.receiver, superblock: SUPERBLOCK, task });
  };
  const sender: Prepare = async (resources) => {
    const sendable = { opaque: false, unpack: false, sha256: true, provenance: PROVENANCE };
    const source = await prepareSaveSource({ path: stage.fifo }, sendable, context);
    resources.add('the FIFO', () => source.close(true));
    const task: Task = { role: 'sender', open: () => source.open() };
    return async () => ({ device: stage.sender, superblock: SUPERBLOCK, task });
  };
  const sides = [new TransferLifecycle(sender, context.log), new TransferLifecycle(receiver, context.log)] as const;
  let sent: TransferSummary;
  try {
    await Promise.all(sides.map((side) => side.begin(context)));
    const written = delay(WRITE_DELAY_MS).then(() => stage.write(state));
    [sent] = await Promise.all([sides[0].run(context), sides[1].run(context), written]);
  } finally {
    await Promise.all(sides.map((side) => side.release()));
  }
  context.onEvent({ event: 'done', report: transferReport(sent) });
  await check(stage.statefile);
  await stage.removeStatefile();
}

async function check(statefile: string): Promise<void> {
  const source = await openSource(statefile);
  try {
    const reader = await StatefileReader.open(source, statefile);
    while ((await reader.next()) !== undefined);
    if (reader.progress.bytes !== BYTES) throw new StubferryError('INTERNAL', 'a transfer of the warm-up lost bytes');
  } finally {
    await source.close();
  }
}
