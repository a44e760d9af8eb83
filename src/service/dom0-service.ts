/**
 * Dom0's agent as a service: it serves every stubdom of this host, with no help of the toolstack.
 *
 *     start:   lock the folder -> remove what a killed agent left -> watch for requests
 *     request: who asks? -> one transfer a target, so many in all -> make and attach the disk -> answer -> run
 *     stop:    abort what runs, each stubdom told -> nothing is left
 *
 *     toolstack --QMP--> stubdom's proxy --request--> (this) --disk, answer--> stubdom's agent ==state==> (this) --COMMITTED--> proxy --reply-->
 */

import { StubferryError } from '../base/errors/index.js';
import type { FileLock } from '../blockdev-utils/index.js';
import type { Request } from '../formats/protocol/request.js';
import type { XenstoreClient } from '../xen/xenstore/index.js';
import { type DeviceModel, deviceModelOf, identifyDeviceModel } from './device-model.js';
import { findOrphans, type Orphan, removeOrphans } from './orphans.js';
import { RateLimiter } from './rate-limiter.js';
import { RequestWatch } from './request-watch.js';
import { lockService } from './service-lock.js';
import type { ServiceTransfer } from './service-transfer.js';
import { StubdomKeys } from './stubdom-keys.js';
import { makeTransferDir } from './transfer-folder.js';
import { type TableOptions, TransferTable } from './transfer-table.js';
import type { TransferView } from './transfer-view.js';

export interface ServiceOptions extends Omit<TableOptions, 'onChange'> {
  readonly xenstore: XenstoreClient;
}

export class Dom0Service {
  readonly #options: ServiceOptions;
  readonly #lock: FileLock;
  readonly startedAt = new Date().toISOString();
  readonly #keys: StubdomKeys;
  readonly #transfers: TransferTable;
  readonly #paces = new Map<number, RateLimiter>();
  #watch: RequestWatch | undefined;
  #isStopping = false;

  private constructor(options: ServiceOptions, lock: FileLock) {
    this.#options = options;
    this.#lock = lock;
    this.#keys = new StubdomKeys(options.xenstore);
    this.#transfers = new TransferTable({ ...options, onChange: (view) => this.#withdrawOffer(view) });
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

  #paceOf(domid: number): RateLimiter {
    const known = this.#paces.get(domid);
    if (known !== undefined) return known;
    const pace = new RateLimiter(this.#options.clock, () => this.#lookAt(domid));
    this.#paces.set(domid, pace);
    return pace;
  }

  /** The request of that domain, and its answer. Never rejects. */
  async #lookAt(stubdom: number): Promise<void> {
    const { log } = this.#options;
    let nonce: string | undefined;
    try {
      const open = await this.#keys.openRequest(stubdom);
      if (open === undefined || this.#isStopping) return;
      nonce = open.nonce;
      const request = open.decode();
      log.info({ stubdom, ...request }, 'a stubdom asks for a transfer disk');
      const transfer = await this.#transferFor(await this.#modelAt(stubdom), request);
      transfer.request();
      // On its disk before the stubdom is told of it: nobody waits then.
      void transfer.run();
      const { uuid: transferUuid, device } = transfer;
      await this.#keys.answer(stubdom, { verdict: 'attached', nonce: request.nonce, transferUuid, device });
    } catch (cause) {
      const error = StubferryError.from(cause);
      log.warn({ stubdom, nonce, error: error.report() }, 'a stubdom gets no transfer disk');
      if (nonce === undefined) return;
      await this.#keys.refuse(stubdom, nonce, error).catch((why: unknown) => {
        log.warn({ stubdom, error: `${why}` }, 'a stubdom cannot be answered');
      });
    }
  }

  /** Who that is. One for whom a disk is prepared was looked at then, and a domain that goes takes its transfer with it. */
  async #modelAt(stubdom: number): Promise<DeviceModel> {
    for (const { model, isPrepared } of this.#transfers.all) if (isPrepared && model.stubdom === stubdom) return model;
    return identifyDeviceModel(this.#options.xenstore, stubdom);
  }

  /** The one that was prepared for it, or a new one. */
  #transferFor(model: DeviceModel, { direction }: Request): Promise<ServiceTransfer> {
    return this.#transfers.inTurn(model.target, async () => {
      const there = this.#transfers.of(model.target);
      if (there?.isPrepared === true && there.direction === direction && there.model.stubdom === model.stubdom)
        return there;
      await there?.abort(
        new StubferryError('CANCELLED', 'the stubdom asks anew: its agent was restarted, or waits for another disk'),
      );
      return this.#transfers.begin(model, direction, 'requested');
    });
  }

  /**
   * Makes and attaches the disk for a save of `target` that is to come: what the hook does before the guest is paused.
   * @throws StubferryError NOT_A_DEVICE_MODEL, TOO_BUSY, and what the disk is refused with
   */
  async prepare(target: number): Promise<TransferView> {
    const model = await deviceModelOf(this.#options.xenstore, target);
    return this.#transfers.inTurn(target, async () => {
      const there = this.#transfers.of(target);
      return (there ?? (await this.#offer(model))).view;
    });
  }

  async #offer(model: DeviceModel): Promise<ServiceTransfer> {
    const transfer = await this.#transfers.begin(model, 'save', 'prepared');
    void transfer.run();
    const { uuid: transferUuid, device } = transfer;
    await this.#keys.offer(model.stubdom, { transferUuid, device });
    return transfer;
  }

  /** Before the disk is detached: the stubdom may have it open. */
  #withdrawOffer({ stubdom, phase, timings }: TransferView): void {
    if (timings.prepared === undefined || (phase !== 'failed' && phase !== 'committed')) return;
    this.#keys.withdraw(stubdom).catch((error: unknown) => {
      this.#options.log.warn({ stubdom, error: `${error}` }, 'an offer cannot be withdrawn');
    });
  }

  /** @throws StubferryError NO_SUCH_TRANSFER */
  async abort(uuid: string): Promise<TransferView> {
    const transfer = this.#transfers.all.find((one) => one.uuid === uuid);
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
    return this.#transfers.views;
  }

  get followers(): number {
    return this.#transfers.followers;
  }

  get underWay(): number {
    return this.#transfers.living.size;
  }

  /** Calls `follower` for each change of a transfer, until the returned function is called. */
  follow(follower: (view: TransferView) => void): () => void {
    return this.#transfers.follow(follower);
  }

  /** @param dryRun only say what is there */
  collectGarbage({ dryRun = false } = {}): Promise<{ removed: Orphan[]; kept: Orphan[] }> {
    const { driver, transferDir, timeouts, log } = this.#options;
    const options = { driver, transferDir, living: this.#transfers.living, timeouts, log };
    return dryRun ? findOrphans(options).then((kept) => ({ removed: [], kept })) : removeOrphans(options);
  }

  /** A domain is gone: its transfer is over, whatever it was. */
  #forget(domid: number): void {
    this.#paces.get(domid)?.close();
    this.#paces.delete(domid);
    for (const transfer of this.#transfers.all) {
      if (transfer.model.stubdom !== domid) continue;
      void transfer.abort(new StubferryError('PEER_DEAD', 'the stubdom is gone', { where: `domain ${domid}` }));
    }
  }

  /** Ends all transfers, each stubdom told why; nothing is left. */
  async stop(why: StubferryError): Promise<void> {
    this.#isStopping = true;
    for (const pace of this.#paces.values()) pace.close();
    await Promise.all([this.#transfers.stop(why), this.#watch?.close()]);
    await this.#lock.release();
  }
}
