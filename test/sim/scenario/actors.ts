/** What runs in the processes: the product's own agents, started as their commands start them. */
import type { AgentEvent } from '../../../src/agents/index.js';
import type { Log } from '../../../src/base/log.js';
import { DEVICE } from '../machine/hotplug.js';
import type { Process } from '../machine/process.js';
import type { Product } from '../world/product.js';
import { isRestore, MOST_HOSTILE_STATE, type Plan, TIMEOUTS } from './plan.js';
import { INCOMING, SAVED, SOURCE, STATE_DIR, type Stage, TARGET, TRANSFER_DIR } from './stage.js';

export const MOST_STATE = 4 * 1024 * 1024;

/** What the end of a transfer may take, milliseconds; a destination that hangs is waited for. */
export const LONGEST_END = { usual: 4_000, hanging: 17_000 } as const;

/** How long a disk may wait for its transfer, milliseconds. */
const PREPARED_MS = 60_000;

export interface Setting {
  readonly product: Product;
  readonly process: Process;
  readonly stage: Stage;
  readonly plan: Plan;
  /** Told when its control block is on the transfer disk. */
  readonly onDisk: () => void;
}

function logOf({ world, name }: Process): Log {
  const log = (level: string) => (fields: object, message: string) =>
    world.note(name, () => `${level}: ${message} ${JSON.stringify(fields)}`);
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

const told =
  ({ process: { world, name }, onDisk }: Setting) =>
  (event: AgentEvent): void => {
    world.note(name, () => `event ${JSON.stringify(event)}`);
    if (event.event === 'ready') onDisk();
  };

/**
 * Dom0's agent as a service, without what asks it over xenstore: it removes what is left, and serves one transfer, if there is one.
 * @throws StubferryError that the transfer failed with
 */
export async function serve(
  { product, process, stage, plan, onDisk }: Setting,
  transferUuid: string | undefined,
): Promise<void> {
  const log = logOf(process);
  const driver = stage.hotplug.driver(plan.access);
  await product.folder.makeTransferDir(TRANSFER_DIR);
  await product.lock.lockService(TRANSFER_DIR);
  await product.orphans.removeOrphans({
    driver,
    transferDir: TRANSFER_DIR,
    living: new Set(),
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

/** Dom0's agent for one save, by hand. */
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
        ...{ spoolFolder: TRANSFER_DIR, spoolLimit: MOST_STATE },
      },
    },
    {
      timeouts: TIMEOUTS,
      signal: new AbortController().signal,
      onEvent: told(setting),
      log: logOf(process),
      warmsUp: false,
    },
  );
}

/** The stubdom's agent for one transfer. */
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
      ...{ opaque: true, sha256: plan.sha256, spoolFolder: '/s', spoolLimit: MOST_STATE },
    },
    {
      timeouts: TIMEOUTS,
      signal: new AbortController().signal,
      onEvent: told(setting),
      log: logOf(process),
      warmsUp: false,
    },
  );
}
