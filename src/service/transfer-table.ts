/**
 * The table of the service's transfers.
 *
 *     begin  -->  active: one for each target, and a limited total  -->  detached: in the history
 */
import { randomUUID } from 'node:crypto';
import { StubferryError } from '../base/errors/index.js';
import type { Direction } from '../formats/protocol/superblock.js';
import type { DeviceModel } from './device-model.js';
import { ServiceTransfer, type TransferSetting } from './service-transfer.js';
import type { TransferView } from './transfer-view.js';

/** The options of {@link TransferTable}. */
export interface TableOptions extends TransferSetting {
  /** The maximum number of active transfers, of all targets. */
  readonly mostTransfers: number;
}

type Subscriber = (view: TransferView) => void;

/** The number of ended transfers in the history. */
const HISTORY = 32;

/** The active transfers, and the last ones that ended. */
export class TransferTable {
  readonly #options: TableOptions;
  readonly #byTarget = new Map<number, ServiceTransfer>();
  readonly #active = new Set<string>();
  /** The last queued work of each target. */
  readonly #queues = new Map<number, Promise<unknown>>();
  readonly #subscribers = new Set<Subscriber>();
  #history: TransferView[] = [];
  #stopping: StubferryError | undefined;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** The active transfer of that target, if there is one. */
  of(target: number): ServiceTransfer | undefined {
    return this.#byTarget.get(target);
  }

  /** The active transfers. */
  get all(): readonly ServiceTransfer[] {
    return [...this.#byTarget.values()];
  }

  /** The views of the last transfers that ended, and of the active ones. */
  get views(): readonly TransferView[] {
    return [...this.#history, ...this.all.map(({ view }) => view)];
  }

  /** The UUIDs of all transfers that have begun and are not yet detached. */
  get active(): ReadonlySet<string> {
    return this.#active;
  }

  /** The number of subscribers. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Runs `work` for that target after all work that was queued for it before. */
  async serialize<T>(target: number, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(target) ?? Promise.resolve();
    const result = before.catch(() => undefined).then(work);
    this.#queues.set(target, result);
    try {
      return await result;
    } finally {
      if (this.#queues.get(target) === result) this.#queues.delete(target);
    }
  }

  /**
   * Begins a transfer: makes and attaches its disk. Must be called within {@link serialize}.
   *
   * @throws StubferryError TOO_BUSY: when there are too many transfers; the reason why the disk cannot be made or
   * attached
   */
  async begin(model: DeviceModel, direction: Direction, first: 'requested' | 'prepared'): Promise<ServiceTransfer> {
    const { mostTransfers } = this.#options;
    if (this.#active.size >= mostTransfers) {
      throw new StubferryError('TOO_BUSY', 'too many transfers at the same time', {
        expected: `at most ${mostTransfers}`,
        found: `${this.#active.size} active transfers`,
        hint: 'try again when one has ended; the limit is --max-transfers',
      });
    }
    const uuid = randomUUID();
    this.#active.add(uuid);
    const setting = { ...this.#options, onChange: (changed: ServiceTransfer) => this.#notify(changed) };
    const transfer = await ServiceTransfer.begin(uuid, model, direction, first, setting);
    this.#byTarget.set(model.target, transfer);
    if (this.#stopping !== undefined) {
      await transfer.abort(this.#stopping);
      throw this.#stopping;
    }
    return transfer;
  }

  /** Calls `subscriber` for each change of a transfer, until the returned function is called. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  #notify(transfer: ServiceTransfer): void {
    this.#options.onChange(transfer);
    const { view } = transfer;
    if (transfer.phase === 'detached') this.#retire(view);
    for (const subscriber of this.#subscribers) subscriber(view);
  }

  #retire(view: TransferView): void {
    this.#active.delete(view.transfer);
    if (this.#byTarget.get(view.target)?.uuid === view.transfer) this.#byTarget.delete(view.target);
    this.#history = [...this.#history, view].slice(-HISTORY);
  }

  /** Aborts all transfers with `why`, which each stubdom receives. Transfers that begin later fail. */
  async stop(why: StubferryError): Promise<void> {
    this.#stopping = why;
    await Promise.allSettled(this.#queues.values());
    await Promise.all(this.all.map((transfer) => transfer.abort(why)));
  }
}
