/**
 * Dom0's agent as a service: it serves every stubdom of this host, with no help of the toolstack.
 *
 *     start:   lock the folder -> remove what a killed agent left -> watch for requests
 *     request: who asks? -> one transfer a target, so many in all -> make and attach the disk -> answer -> run
 *     stop:    abort what runs, each stubdom told -> nothing is left
 *
 *     toolstack --QMP--> stubdom's gate --request--> (this) --disk, answer--> stubdom's agent ==state==> (this) --COMMITTED--> gate --reply-->
 */
import { randomUUID } from 'node:crypto';
import type { FileLock } from '../blockdev-utils/index.js';
import {
  ANSWER_KEY,
  type Answer,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeOffer,
  nonceOf,
  OFFER_KEY,
  REQUEST_KEY,
  type Request,
} from '../codec/request.js';
import { StubferryError } from '../errors/index.js';
import type { XenstoreClient } from '../xenstore/index.js';
import { type DeviceModel, deviceModelOf, homeOf, identifyDeviceModel } from './device-model.js';
import { findLeftovers, type Leftover, removeLeftovers } from './leftovers.js';
import { RequestPace } from './request-pace.js';
import { RequestWatch } from './request-watch.js';
import { lockService } from './service-lock.js';
import { ServiceTransfer, type TransferSetting } from './service-transfer.js';
import { makeTransferDir } from './transfer-folder.js';
import type { TransferView } from './transfer-view.js';

export interface ServiceOptions extends Omit<TransferSetting, 'onChange'> {
  readonly xenstore: XenstoreClient;
  /** Most transfers at a time, of all targets. */
  readonly mostTransfers: number;
}

/** Finished transfers that are still told of. */
const HISTORY = 32;

export class Dom0Service {
  readonly #options: ServiceOptions;
  readonly #setting: TransferSetting;
  readonly #lock: FileLock;
  readonly startedAt = new Date().toISOString();
  /** By target: each has one at most. */
  readonly #transfers = new Map<number, ServiceTransfer>();
  readonly #begun = new Set<string>();
  /** What is being done for a target: one thing after the other. */
  readonly #turns = new Map<number, Promise<unknown>>();
  readonly #paces = new Map<number, RequestPace>();
  readonly #followers = new Set<(view: TransferView) => void>();
  #history: TransferView[] = [];
  #watch: RequestWatch | undefined;
  #stopping: StubferryError | undefined;

  private constructor(options: ServiceOptions, lock: FileLock) {
    this.#options = options;
    this.#lock = lock;
    this.#setting = { ...options, onChange: (view) => this.#tell(view) };
  }

  /** @throws StubferryError SERVICE_RUNNING, DESTINATION_UNWRITABLE, errors of xenstore */
  static async start(options: ServiceOptions): Promise<Dom0Service> {
    await makeTransferDir(options.transferDir);
    const service = new Dom0Service(options, await lockService(options.transferDir));
    try {
      await service.collectGarbage();
      await service.#listen();
      return service;
    } catch (error) {
      await service.#lock.release();
      throw error;
    }
  }

  async #listen(): Promise<void> {
    this.#watch = await RequestWatch.start({
      xenstore: this.#options.xenstore,
      onRequest: (domid) => this.#paceOf(domid).notice(),
      onGone: (domid) => this.#forget(domid),
      onError: (error) =>
        this.#options.log.warn({ error: error.report() }, 'xenstore does not say which domains there are'),
    });
  }

  #paceOf(domid: number): RequestPace {
    const known = this.#paces.get(domid);
    if (known !== undefined) return known;
    const pace = new RequestPace(this.#options.clock, () => this.#lookAt(domid));
    this.#paces.set(domid, pace);
    return pace;
  }

  /** The request of that domain, and its answer. Never rejects. */
  async #lookAt(stubdom: number): Promise<void> {
    const { xenstore, log } = this.#options;
    let nonce: string | undefined;
    try {
      const key = `${homeOf(stubdom)}/${REQUEST_KEY}`;
      const text = await xenstore.read(key);
      if (text === undefined || this.#stopping !== undefined) return;
      nonce = nonceOf(text);
      if (nonce !== undefined && (await this.#isAnswered(stubdom, nonce))) return;
      const request = decodeRequest(text, key);
      log.info({ stubdom, ...request }, 'a stubdom asks for a transfer disk');
      const transfer = await this.#transferFor(await this.#modelAt(stubdom), request);
      transfer.request();
      // On its disk before the stubdom is told of it: nobody waits then.
      void transfer.run();
      const { uuid: transferUuid, device } = transfer;
      await this.#answer(stubdom, { verdict: 'attached', nonce: request.nonce, transferUuid, device });
    } catch (cause) {
      const error = StubferryError.from(cause);
      log.warn({ stubdom, nonce, error: error.report() }, 'a stubdom gets no transfer disk');
      if (nonce !== undefined) await this.#refuse(stubdom, nonce, error);
    }
  }

  async #refuse(stubdom: number, nonce: string, { code, message, details }: StubferryError): Promise<void> {
    const { expected, found } = details;
    const reason = [message, expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join('; ');
    try {
      await this.#answer(stubdom, { verdict: 'refused', nonce, code, reason });
    } catch (error) {
      this.#options.log.warn({ stubdom, error: `${error}` }, 'a stubdom cannot be answered');
    }
  }

  /** Who that is. One for whom a disk is prepared was looked at then, and a domain that goes takes its transfer with it. */
  async #modelAt(stubdom: number): Promise<DeviceModel> {
    for (const { model, isPrepared } of this.#transfers.values())
      if (isPrepared && model.stubdom === stubdom) return model;
    return identifyDeviceModel(this.#options.xenstore, stubdom);
  }

  /** A watch fires for many reasons, and after a restart of this agent too. */
  async #isAnswered(stubdom: number, nonce: string): Promise<boolean> {
    const key = `${homeOf(stubdom)}/${ANSWER_KEY}`;
    const text = await this.#options.xenstore.read(key);
    if (text === undefined) return false;
    try {
      return decodeAnswer(text, key).nonce === nonce;
    } catch (error) {
      // The stubdom can write there as well: what is no answer answers nothing.
      if (error instanceof StubferryError) return false;
      throw error;
    }
  }

  #answer(stubdom: number, answer: Answer): Promise<void> {
    return this.#options.xenstore.write(`${homeOf(stubdom)}/${ANSWER_KEY}`, encodeAnswer(answer));
  }

  #transferFor(model: DeviceModel, request: Request): Promise<ServiceTransfer> {
    return this.#inTurn(model.target, () => this.#takeOrBegin(model, request));
  }

  async #inTurn<T>(target: number, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(target) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    this.#turns.set(target, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(target) === turn) this.#turns.delete(target);
    }
  }

  async #takeOrBegin(model: DeviceModel, { direction }: Request): Promise<ServiceTransfer> {
    const there = this.#transfers.get(model.target);
    if (there?.isPrepared === true && there.direction === direction && there.model.stubdom === model.stubdom)
      return there;
    await there?.abort(
      new StubferryError('CANCELLED', 'the stubdom asks anew: its agent was restarted, or waits for another disk'),
    );
    return this.#begin(model, direction, 'requested');
  }

  async #begin(
    model: DeviceModel,
    direction: Request['direction'],
    first: 'requested' | 'prepared',
  ): Promise<ServiceTransfer> {
    const { mostTransfers } = this.#options;
    if (this.#begun.size >= mostTransfers) {
      throw new StubferryError('TOO_BUSY', 'there are too many transfers at a time', {
        expected: `at most ${mostTransfers}`,
        found: `${this.#begun.size} under way`,
        hint: 'try again when one has ended; the limit is --max-transfers',
      });
    }
    const uuid = randomUUID();
    this.#begun.add(uuid);
    const transfer = await ServiceTransfer.begin(uuid, model, direction, first, this.#setting);
    this.#transfers.set(model.target, transfer);
    if (this.#stopping !== undefined) {
      await transfer.abort(this.#stopping);
      throw this.#stopping;
    }
    return transfer;
  }

  /**
   * Makes and attaches the disk for a save of `target` that is to come: what the hook does before the guest is paused.
   * @throws StubferryError NOT_A_DEVICE_MODEL, TOO_BUSY, and what the disk is refused with
   */
  async prepare(target: number): Promise<TransferView> {
    const model = await deviceModelOf(this.#options.xenstore, target);
    return this.#inTurn(target, async () => {
      const there = this.#transfers.get(target);
      return (there ?? (await this.#offer(model))).view;
    });
  }

  async #offer(model: DeviceModel): Promise<ServiceTransfer> {
    const transfer = await this.#begin(model, 'save', 'prepared');
    void transfer.run();
    const { uuid: transferUuid, device } = transfer;
    await this.#options.xenstore.write(`${homeOf(model.stubdom)}/${OFFER_KEY}`, encodeOffer({ transferUuid, device }));
    return transfer;
  }

  /** Before the disk is detached: the stubdom may have it open. */
  #withdraw({ stubdom, timings }: TransferView): void {
    if (timings.prepared === undefined) return;
    this.#options.xenstore.remove(`${homeOf(stubdom)}/${OFFER_KEY}`).catch((error: unknown) => {
      this.#options.log.warn({ stubdom, error: `${error}` }, 'an offer cannot be withdrawn');
    });
  }

  /** @throws StubferryError NO_SUCH_TRANSFER */
  async abort(uuid: string): Promise<TransferView> {
    const transfer = [...this.#transfers.values()].find((one) => one.uuid === uuid);
    if (transfer === undefined) {
      throw new StubferryError('NO_SUCH_TRANSFER', "dom0's agent has no such transfer", {
        where: uuid,
        hint: "'stubferry transfers' lists those that are under way",
      });
    }
    await transfer.abort(
      new StubferryError('CANCELLED', 'it was aborted by hand', { hint: 'start the transfer again' }),
    );
    return transfer.view;
  }

  /** Those under way, and the last ones that have ended. */
  get transfers(): readonly TransferView[] {
    return [...this.#history, ...[...this.#transfers.values()].map(({ view }) => view)];
  }

  get followers(): number {
    return this.#followers.size;
  }

  get underWay(): number {
    return this.#begun.size;
  }

  /** @param dryRun only say what is there */
  collectGarbage({ dryRun = false } = {}): Promise<{ removed: Leftover[]; kept: Leftover[] }> {
    const { driver, transferDir, timeouts, log } = this.#options;
    const options = { driver, transferDir, living: this.#begun, timeouts, log };
    return dryRun ? findLeftovers(options).then((kept) => ({ removed: [], kept })) : removeLeftovers(options);
  }

  /** Calls `follower` for each change of a transfer, until the returned function is called. */
  follow(follower: (view: TransferView) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #tell(view: TransferView): void {
    if (view.phase === 'failed' || view.phase === 'committed') this.#withdraw(view);
    if (view.phase === 'detached') this.#retire(view);
    for (const follower of this.#followers) follower(view);
  }

  #retire(view: TransferView): void {
    this.#begun.delete(view.transfer);
    if (this.#transfers.get(view.target)?.uuid === view.transfer) this.#transfers.delete(view.target);
    this.#history = [...this.#history, view].slice(-HISTORY);
  }

  /** A domain is gone: its transfer is over, whatever it was. */
  #forget(domid: number): void {
    this.#paces.get(domid)?.close();
    this.#paces.delete(domid);
    for (const transfer of this.#transfers.values()) {
      if (transfer.model.stubdom !== domid) continue;
      void transfer.abort(new StubferryError('PEER_DEAD', 'the stubdom is gone', { where: `domain ${domid}` }));
    }
  }

  /** Ends all transfers, each stubdom told why; nothing is left. */
  async stop(why: StubferryError): Promise<void> {
    this.#stopping = why;
    await this.#watch?.close();
    for (const pace of this.#paces.values()) pace.close();
    await Promise.allSettled(this.#turns.values());
    await Promise.all([...this.#transfers.values()].map((transfer) => transfer.abort(why)));
    await this.#lock.release();
  }
}
