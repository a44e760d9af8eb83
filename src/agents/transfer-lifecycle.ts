/**
 * The life cycle of a transfer, on either side of the disk. A transfer that was started by hand, a transfer of the
 * service, a save through the QMP proxy and a warm-up differ only in the steps that they pass to it.
 *
 *     new -> preparing -> prepared -> attached -> running -> committed -> released
 *      |         |            |           |          |                       ^
 *      '---------'------------'-----------'----------'--error--> failed -----'
 *
 * prepare  opens this side's endpoint; it reports every error that can be found without a disk
 * attach   makes the disk (dom0) or acquires it (stubdom)
 * run      moves the state; see run-transfer.ts
 * release  releases everything in the reverse order of its acquisition: the disk, then the endpoint, then the rest
 *
 * A life cycle receives its steps and a context. It has no reference to its caller, so it can run in a separate
 * process.
 */
import { StubferryError } from '../base/errors/index.js';
import type { Log } from '../base/log.js';
import { PhaseMachine, type Transitions } from '../base/phase-machine.js';
import { ReleaseStack } from '../base/release-stack.js';
import type { BlockDevice } from '../blockdev-utils/index.js';
import type { Superblock } from '../formats/protocol/superblock.js';
import type { TransferSummary } from '../transfer/index.js';
import type { AgentContext } from './agent-context.js';
import { runTransfer, type Task } from './run-transfer.js';

/** The phase of a {@link TransferLifecycle}. */
export type LifecyclePhase =
  | 'new'
  | 'preparing'
  | 'prepared'
  | 'attached'
  | 'running'
  | 'committed'
  | 'failed'
  | 'released';

const TRANSITIONS: Transitions<LifecyclePhase> = {
  new: ['preparing', 'failed'],
  preparing: ['prepared', 'failed'],
  prepared: ['attached', 'failed'],
  attached: ['running', 'failed'],
  running: ['committed', 'failed'],
  committed: ['released'],
  failed: ['released'],
  released: [],
};

/**
 * The first step of a transfer. It adds each resource to `resources` as soon as it has acquired it.
 * @throws StubferryError when the endpoint of this side cannot be opened
 */
export type Prepare = (resources: ReleaseStack, context: AgentContext) => Promise<Attach>;

/**
 * The second step of a transfer. It adds each resource to `resources` as soon as it has acquired it.
 * @throws StubferryError when the disk cannot be made, attached or acquired
 */
export type Attach = (resources: ReleaseStack, context: AgentContext) => Promise<Attached>;

/** The result of {@link Prepare} and {@link Attach}. */
export interface Attached {
  /** The open disk. The role of this side is locked. */
  readonly device: BlockDevice;
  readonly superblock: Superblock;
  /** The part of this side in the transfer. */
  readonly task: Task;
}

/**
 * One transfer. Call {@link begin}, then {@link run}, and in every case {@link release}; {@link carryOut} does all
 * three.
 */
export class TransferLifecycle {
  readonly #prepare: Prepare;
  readonly #phases = new PhaseMachine<LifecyclePhase>('a transfer', 'new', TRANSITIONS);
  readonly #resources: ReleaseStack;
  #attached: Attached | undefined;
  #isCommitted = false;

  constructor(prepare: Prepare, log: Pick<Log, 'warn'>) {
    this.#prepare = prepare;
    this.#resources = new ReleaseStack((resource, cause) => {
      log.warn(
        { resource, error: StubferryError.from(cause).report() },
        'a resource of a transfer could not be released',
      );
    });
  }

  get phase(): LifecyclePhase {
    return this.#phases.phase;
  }

  /** Whether the receiver has acknowledged the state. A later error does not change that. */
  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /**
   * Prepares the endpoint and attaches the disk. The caller must call {@link release} afterwards, also when this
   * rejects.
   * @throws StubferryError: the error of a step; INTERNAL: when the transfer was begun before
   */
  async begin(context: AgentContext): Promise<void> {
    await this.#orFail(async () => {
      this.#phases.enter('preparing');
      const attach = await this.#prepare(this.#resources, context);
      this.#phases.enter('prepared');
      this.#attached = await attach(this.#resources, context);
      this.#phases.enter('attached');
    });
  }

  /**
   * Moves the state. The caller must call {@link release} afterwards, also when this rejects.
   * @throws StubferryError: the reason for which the transfer failed; INTERNAL: when {@link begin} has not succeeded
   */
  async run(context: AgentContext): Promise<TransferSummary> {
    return this.#orFail(async () => {
      this.#phases.enter('running');
      const attached = this.#attached;
      if (attached === undefined) throw new StubferryError('INTERNAL', 'the transfer is attached but has no disk');
      const { device, superblock, task } = attached;
      const summary = await runTransfer(device, superblock, this.#noticing(task), context);
      this.#commit();
      return summary;
    });
  }

  /** Releases all resources. It never rejects. A second call waits for the same release. */
  async release(): Promise<void> {
    this.#fail();
    await this.#resources.release();
    if (this.#phases.canEnter('released')) this.#phases.enter('released');
  }

  /** Notes the acknowledgement when the sender reads it: closing the link afterwards may take long or fail. */
  #noticing(task: Task): Task {
    if (task.role === 'receiver') return task;
    const onAcknowledged = (): void => {
      this.#commit();
      task.onAcknowledged?.();
    };
    return { ...task, onAcknowledged };
  }

  /** Notes the acknowledgement, which is valid even when the release has begun meanwhile. */
  #commit(): void {
    this.#isCommitted = true;
    if (this.#phases.canEnter('committed')) this.#phases.enter('committed');
  }

  #fail(): void {
    if (this.#phases.canEnter('failed')) this.#phases.enter('failed');
  }

  async #orFail<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#fail();
      throw error;
    }
  }
}

/**
 * Carries out one transfer, from its preparation to the release of its resources.
 * @throws the error of a step or of the transfer, after all resources were released
 */
export async function carryOut(lifecycle: TransferLifecycle, context: AgentContext): Promise<TransferSummary> {
  try {
    await lifecycle.begin(context);
    return await lifecycle.run(context);
  } finally {
    await lifecycle.release();
  }
}
