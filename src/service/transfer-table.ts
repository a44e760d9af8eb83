/**
 * The transfers of the service.
 *
 *     begin --> under way: one a target, so many in all --> detached: told of for a while
 */
import { randomUUID } from 'node:crypto';
import { StubferryError } from '../base/errors/index.js';
import type { Direction } from '../formats/protocol/superblock.js';
import type { DeviceModel } from './device-model.js';
import { ServiceTransfer, type TransferSetting } from './service-transfer.js';
import type { TransferView } from './transfer-view.js';

export interface TableOptions extends TransferSetting {
  /** Most transfers at a time, of all targets. */
  readonly mostTransfers: number;
}

type Follower = (view: TransferView) => void;

/** Finished transfers that are still told of. */
const HISTORY = 32;

export class TransferTable {
  readonly #options: TableOptions;
  readonly #byTarget = new Map<number, ServiceTransfer>();
  readonly #living = new Set<string>();
  /** What is being done for a target: one thing after the other. */
  readonly #turns = new Map<number, Promise<unknown>>();
  readonly #followers = new Set<Follower>();
  #history: TransferView[] = [];
  #stopping: StubferryError | undefined;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** The transfer of that target, if there is one under way. */
  of(target: number): ServiceTransfer | undefined {
    return this.#byTarget.get(target);
  }

  /** Those under way. */
  get all(): readonly ServiceTransfer[] {
    return [...this.#byTarget.values()];
  }

  /** Those under way, and the last ones that have ended. */
  get views(): readonly TransferView[] {
    return [...this.#history, ...this.all.map(({ view }) => view)];
  }

  /** Of what is begun, and not removed yet. */
  get living(): ReadonlySet<string> {
    return this.#living;
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** Does `work` for that target, when all that was to be done for it before is done. */
  async inTurn<T>(target: number, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(target) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    this.#turns.set(target, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(target) === turn) this.#turns.delete(target);
    }
  }

  /** Makes and attaches a disk; in turn. @throws StubferryError TOO_BUSY, and what the disk is refused with */
  async begin(model: DeviceModel, direction: Direction, first: 'requested' | 'prepared'): Promise<ServiceTransfer> {
    const { mostTransfers } = this.#options;
    if (this.#living.size >= mostTransfers) {
      throw new StubferryError('TOO_BUSY', 'there are too many transfers at a time', {
        expected: `at most ${mostTransfers}`,
        found: `${this.#living.size} under way`,
        hint: 'try again when one has ended; the limit is --max-transfers',
      });
    }
    const uuid = randomUUID();
    this.#living.add(uuid);
    const setting = { ...this.#options, onChange: (view: TransferView) => this.#tell(view) };
    const transfer = await ServiceTransfer.begin(uuid, model, direction, first, setting);
    this.#byTarget.set(model.target, transfer);
    if (this.#stopping !== undefined) {
      await transfer.abort(this.#stopping);
      throw this.#stopping;
    }
    return transfer;
  }

  /** Calls `follower` for each change of a transfer, until the returned function is called. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #tell(view: TransferView): void {
    this.#options.onChange(view);
    if (view.phase === 'detached') this.#retire(view);
    for (const follower of this.#followers) follower(view);
  }

  #retire(view: TransferView): void {
    this.#living.delete(view.transfer);
    if (this.#byTarget.get(view.target)?.uuid === view.transfer) this.#byTarget.delete(view.target);
    this.#history = [...this.#history, view].slice(-HISTORY);
  }

  /** Ends all, each stubdom told why; nothing is left. What is begun from now on fails. */
  async stop(why: StubferryError): Promise<void> {
    this.#stopping = why;
    await Promise.allSettled(this.#turns.values());
    await Promise.all(this.all.map((transfer) => transfer.abort(why)));
  }
}
