/** The main functions of the processes: the product's own agents, started as their commands start them. */
import type { AgentEvent } from '../../../src/agents/index.js';
import type { Log } from '../../../src/base/log.js';
import { DEVICE } from '../machine/hotplug.js';
import type { Process } from '../machine/process.js';
import type { Product } from '../world/product.js';
import { isRestore, MOST_HOSTILE_STATE, type Plan, TIMEOUTS } from './plan.js';
import { INCOMING, SAVED, SOURCE, STATE_DIR, type Stage, TARGET, TRANSFER_DIR } from './stage.js';

export const MOST_STATE = 4 * 1024 * 1024;

/** How long the end of a transfer may take, in milliseconds. With a destination that hangs it takes longer. */
export const LONGEST_END = { usual: 4_000, hanging: 17_000 } as const;

/** How long a disk may wait for its transfer, in milliseconds. */
const PREPARED_MS = 60_000;

export interface Setting {
  readonly product: Product;
  readonly process: Process;
  readonly stage: Stage;
  readonly plan: Plan;
  /** Called when the control block of the process is on the transfer disk. */
  readonly onDisk: () => void;
}

function logOf({ world, name }: Process): Log {
  const log = (level: string) => (fields: object, message: string) =>
    world.note(name, () => `${level}: ${message} ${JSON.stringify(fields)}`);
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

const eventHandler =
  ({ process: { world, name }, onDisk }: Setting) =>
  (event: AgentEvent): void => {
    world.note(name, () => `event ${JSON.stringify(event)}`);
    if (event.event === 'ready') onDisk();
  };

/**
 * Runs the stubferry service, without the requests over xenstore. It removes orphans, and runs one transfer.
 * @param transferUuid undefined for no transfer
 * @throws StubferryError with which the transfer failed
 */
export async function serve(
  { product, process, stage, plan, onDisk }: Setting,
  transferUuid: string | undefined,
): Promise<void> {
  const log = logOf(process);
  const driver = stage.hotplug.driver(plan.access);
  await product.directory.makeTransferDir(TRANSFER_DIR);
  await product.lock.lockService(TRANSFER_DIR);
  await product.orphans.removeOrphans({
    driver,
    transferDir: TRANSFER_DIR,
    active: new Set(),
    timeouts: TIMEOUTS,
    log,
  });
  if (transferUuid === undefined) return;
  const limits = {
    ...{ ringLength: plan.ringLength, maxPayload: plan.maxPayload },
    maxState: plan.kind === 'hostile sender' ? MOST_HOSTILE_STATE : MOST_STATE,
    ...{ lifetimeMs: plan.lifetimeMs, preparedMs: PREPARED_MS },
  };
  const transfer = await product.transfer.ServiceTransfer.begin(
    transferUuid,
    TARGET,
    isRestore(plan) ? 'restore' : 'save',
    'requested',
    {
      ...{ driver, transferDir: TRANSFER_DIR, stateDir: STATE_DIR, limits, timeouts: TIMEOUTS, log },
      clock: product.time.systemClock,
      onChange: ({ phase }) => {
        process.world.note(process.name, () => `phase ${phase}`);
        if (phase === 'ready') onDisk();
      },
    },
  );
  await transfer.run();
  const { error } = transfer.view;
  if (error !== undefined) throw Object.assign(new Error(error.message), { report: () => error });
}

/** Runs the dom0 agent for a single save, without the service. */
export async function saveByHand(setting: Setting, transferUuid: string): Promise<void> {
  const { product, process, stage, plan } = setting;
  await product.agents.runDom0Agent(
    {
      disk: `${TRANSFER_DIR}/transfer.img`,
      driver: stage.hotplug.driver(plan.access),
      transferUuid,
      ...{ ringLength: plan.ringLength, maxPayload: plan.maxPayload, maxState: MOST_STATE, keepDisk: false },
      provenance: { targetUuid: TARGET.targetUuid, targetDomid: TARGET.target, qemuVersion: '', machineType: '' },
      work: {
        ...{ direction: 'save', output: SAVED, raw: false, replace: false },
        ...{ spoolDirectory: TRANSFER_DIR, spoolLimit: MOST_STATE },
      },
    },
    {
      timeouts: TIMEOUTS,
      signal: new AbortController().signal,
      onEvent: eventHandler(setting),
      log: logOf(process),
      warmsUp: false,
    },
  );
}

/** Runs the stubdom agent for one transfer. */
export async function inStubdom(setting: Setting): Promise<void> {
  const { product, process, plan } = setting;
  const restore = isRestore(plan);
  await product.agents.runStubdomAgent(
    {
      disk: DEVICE,
      transferUuid: undefined,
      provenance: { targetUuid: TARGET.targetUuid, targetDomid: TARGET.target, qemuVersion: '', machineType: '' },
      save: restore ? undefined : { path: SOURCE },
      restore: restore ? { path: INCOMING, replace: false } : undefined,
      ...{ opaque: true, sha256: plan.sha256, spoolDirectory: '/s', spoolLimit: MOST_STATE },
    },
    {
      timeouts: TIMEOUTS,
      signal: new AbortController().signal,
      onEvent: eventHandler(setting),
      log: logOf(process),
      warmsUp: false,
    },
  );
}
