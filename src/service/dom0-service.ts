/**
 * The stubferry service: it serves every stubdom of this host, without help from the toolstack.
 *
 *     start:    lock the transfer directory -> remove the orphans of a killed service -> watch for requests
 *     request:  identify the stubdom -> check the limits (one transfer for a target, and a total) -> make and attach
 *               the disk -> reply -> run the transfer
 *     stop:     abort the active transfers and report the reason to each stubdom -> remove everything
 *
 *     toolstack           stubdom                                  stubferry service
 *     ---------           -------                                  -----------------
 *     QMP command  --->   QMP proxy          --- request  --->
 *                                            <--- disk and reply -
 *                         stubdom agent      ==== state   ===>
 *                  <---   QMP proxy: reply   <--- COMMITTED ---
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
import { makeTransferDir } from './transfer-directory.js';
import { type TableOptions, TransferTable } from './transfer-table.js';
import type { TransferView } from './transfer-view.js';

/** The options of {@link Dom0Service.start}. */
export interface ServiceOptions extends Omit<TableOptions, 'onChange'> {
  readonly xenstore: XenstoreClient;
}

/** The stubferry service. */
export class Dom0Service {
  readonly #options: ServiceOptions;
  readonly #lock: FileLock;
  /** The start of the service, in ISO 8601. */
  readonly startedAt = new Date().toISOString();
  readonly #keys: StubdomKeys;
  readonly #transfers: TransferTable;
  readonly #rateLimiters = new Map<number, RateLimiter>();
  #watch: RequestWatch | undefined;
  #isStopping = false;

  private constructor(options: ServiceOptions, lock: FileLock) {
    this.#options = options;
    this.#lock = lock;
    this.#keys = new StubdomKeys(options.xenstore);
    this.#transfers = new TransferTable({ ...options, onChange: (transfer) => this.#withdrawIfEnded(transfer) });
  }

  /**
   * Locks the transfer directory, removes orphans and starts to serve requests.
   *
   * @throws StubferryError SERVICE_RUNNING: when another service uses the directory; DESTINATION_UNWRITABLE: when the
   * directory cannot be used
   * @throws errors of xenstore
   */
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
      onRequest: (domid) => this.#rateLimiterOf(domid).trigger(),
      onGone: (domid) => this.#removeDomain(domid),
      onError: (error) =>
        this.#options.log.warn({ error: error.report() }, 'cannot read the list of domains from xenstore'),
    });
  }

  #rateLimiterOf(domid: number): RateLimiter {
    const known = this.#rateLimiters.get(domid);
    if (known !== undefined) return known;
    const rateLimiter = new RateLimiter(this.#options.clock, () => this.#handleRequest(domid));
    this.#rateLimiters.set(domid, rateLimiter);
    return rateLimiter;
  }

  /** Reads the request of that domain and replies to it. Never rejects. */
  async #handleRequest(stubdom: number): Promise<void> {
    const { log } = this.#options;
    let nonce: string | undefined;
    try {
      const open = await this.#keys.openRequest(stubdom);
      if (open === undefined || this.#isStopping) return;
      nonce = open.nonce;
      const request = open.decode();
      log.info({ stubdom, ...request }, 'a stubdom requests a transfer disk');
      const transfer = await this.#transferFor(await this.#deviceModelIn(stubdom), request);
      transfer.markRequested();
      // The transfer starts before the reply is written, so that the stubdom does not wait for dom0 on the disk.
      void transfer.run();
      const { uuid: transferUuid, device } = transfer;
      await this.#keys.reply(stubdom, { verdict: 'attached', nonce: request.nonce, transferUuid, device });
    } catch (cause) {
      const error = StubferryError.from(cause);
      log.warn({ stubdom, nonce, error: error.report() }, 'the request for a transfer disk failed');
      if (nonce === undefined) return;
      await this.#keys.reject(stubdom, nonce, error).catch((why: unknown) => {
        log.warn({ stubdom, error: `${why}` }, 'cannot write the reply to the stubdom');
      });
    }
  }

  /**
   * Identifies the stubdom. A stubdom with a pre-attached disk was identified when the disk was made, and the service
   * ends the transfer of a domain that disappears. So that result is still valid.
   */
  async #deviceModelIn(stubdom: number): Promise<DeviceModel> {
    for (const { model, isPrepared } of this.#transfers.all) if (isPrepared && model.stubdom === stubdom) return model;
    return identifyDeviceModel(this.#options.xenstore, stubdom);
  }

  /** Returns the transfer whose disk is pre-attached for this request, or a new transfer. */
  #transferFor(model: DeviceModel, { direction }: Request): Promise<ServiceTransfer> {
    return this.#transfers.serialize(model.target, async () => {
      const present = this.#transfers.of(model.target);
      if (present?.isPrepared === true && present.direction === direction && present.model.stubdom === model.stubdom)
        return present;
      await present?.abort(
        new StubferryError(
          'CANCELLED',
          'the stubdom sent another request: its agent was restarted, or needs another disk',
        ),
      );
      return this.#transfers.begin(model, direction, 'requested');
    });
  }

  /**
   * Makes and attaches the disk of a future save of `target`. The save hook calls this before the toolstack pauses the
   * guest. When the target already has a transfer, returns that transfer.
   *
   * @throws StubferryError NOT_A_DEVICE_MODEL: when the target has no stubdom; TOO_BUSY: when there are too many
   * transfers; the reason why the disk cannot be made or attached
   */
  async prepare(target: number): Promise<TransferView> {
    const model = await deviceModelOf(this.#options.xenstore, target);
    return this.#transfers.serialize(target, async () => {
      const present = this.#transfers.of(target);
      return (present ?? (await this.#preAttach(model))).view;
    });
  }

  async #preAttach(model: DeviceModel): Promise<ServiceTransfer> {
    const transfer = await this.#transfers.begin(model, 'save', 'prepared');
    void transfer.run();
    const { uuid: transferUuid, device } = transfer;
    await this.#keys.announcePreAttached(model.stubdom, { transferUuid, device });
    return transfer;
  }

  /** Withdraws a pre-attached disk before it is detached, because the stubdom may have it open. */
  #withdrawIfEnded({ model: { stubdom }, wasPrepared, phase }: ServiceTransfer): void {
    if (!wasPrepared || (phase !== 'failed' && phase !== 'committed')) return;
    this.#keys.withdrawPreAttached(stubdom).catch((error: unknown) => {
      this.#options.log.warn({ stubdom, error: `${error}` }, 'cannot withdraw the pre-attached disk');
    });
  }

  /**
   * Aborts an active transfer and waits until it is released.
   *
   * @throws StubferryError NO_SUCH_TRANSFER: when no active transfer has this UUID
   */
  async abort(uuid: string): Promise<TransferView> {
    const transfer = this.#transfers.all.find((one) => one.uuid === uuid);
    if (transfer === undefined) {
      throw new StubferryError('NO_SUCH_TRANSFER', 'the stubferry service has no such transfer', {
        where: uuid,
        hint: "'stubferry transfers' lists the active transfers",
      });
    }
    await transfer.abort(
      new StubferryError('CANCELLED', "the transfer was aborted with 'stubferry abort'", {
        hint: 'start the transfer again',
      }),
    );
    return transfer.view;
  }

  /** The active transfers, and the last ones that ended. */
  get transfers(): readonly TransferView[] {
    return this.#transfers.views;
  }

  /** The number of subscribers. */
  get subscribers(): number {
    return this.#transfers.subscribers;
  }

  /** The number of active transfers. */
  get underWay(): number {
    return this.#transfers.active.size;
  }

  /** Calls `subscriber` for each change of a transfer, until the returned function is called. */
  subscribe(subscriber: (view: TransferView) => void): () => void {
    return this.#transfers.subscribe(subscriber);
  }

  /**
   * Removes orphans.
   *
   * @param dryRun only list the orphans, and remove none
   */
  collectGarbage({ dryRun = false } = {}): Promise<{ removed: Orphan[]; kept: Orphan[] }> {
    const { driver, transferDir, timeouts, log } = this.#options;
    const options = { driver, transferDir, active: this.#transfers.active, timeouts, log };
    return dryRun ? findOrphans(options).then((kept) => ({ removed: [], kept })) : removeOrphans(options);
  }

  /** Ends the transfer of a domain that was destroyed. */
  #removeDomain(domid: number): void {
    this.#rateLimiters.get(domid)?.close();
    this.#rateLimiters.delete(domid);
    for (const transfer of this.#transfers.all) {
      if (transfer.model.stubdom !== domid) continue;
      void transfer.abort(new StubferryError('PEER_DEAD', 'the stubdom was destroyed', { where: `domain ${domid}` }));
    }
  }

  /** Aborts all transfers with `why`, which each stubdom receives, and releases everything. */
  async stop(why: StubferryError): Promise<void> {
    this.#isStopping = true;
    for (const rateLimiter of this.#rateLimiters.values()) rateLimiter.close();
    await Promise.all([this.#transfers.stop(why), this.#watch?.close()]);
    await this.#lock.release();
  }
}
