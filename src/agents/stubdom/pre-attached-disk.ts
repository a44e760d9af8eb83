/**
 * A disk that dom0 has attached before the next save requests it. The stubdom agent holds it open until that save, so
 * that no disk must be requested, attached or found while the guest is stopped.
 *
 *     (none) --announced--> searched for --opened, role locked--> held --take--> used by a save --resume--> (none)
 *       ^                       |                                  |
 *       '------ withdrawn ------+----------------------------------'
 *
 * dom0 withdraws the announcement before it detaches the disk, because the disk is in use as long as it is open here.
 *
 * Between `take` and `resume` announcements are ignored. A save that finds no held disk requests one, and dom0 may
 * reply with a disk that it has announced meanwhile. If that disk were held here as well, the save would find its role
 * locked by its own process (seen on real Xen, when the save hook stopped waiting).
 *
 * Errors of a pre-attached disk are only logged. The save then requests a disk from dom0.
 */

import { StubferryError } from '../../base/errors/index.js';
import { decodePreAttachment, PRE_ATTACHED_KEY, type PreAttachment } from '../../formats/protocol/request.js';
import { isOver } from '../../transfer/ring/index.js';
import type { Watch } from '../../xen/xenstore/index.js';
import type { AgentContext } from '../agent-context.js';
import { withDiskDeadline } from '../disk-deadline.js';
import type { Expectation } from './find-disk.js';
import { type HeldDisk, holdDisk } from './held-disk.js';
import { type Dom0Requests, waitForDevice } from './requested-disk.js';

/** Holds the pre-attached disk of one domain, if there is one. */
export class PreAttachedDisk {
  readonly #dom0: Dom0Requests;
  readonly #expectation: Expectation;
  readonly #context: AgentContext;
  #held: HeldDisk | undefined;
  /** The end of the queue in which announcements are processed one after the other. */
  #queue: Promise<void> = Promise.resolve();
  /** Aborts the search for a disk that does not exist yet. It may never appear. */
  #search = new AbortController();
  #isTaken = false;
  /** The UUID of a finished transfer. Its announcement may not be withdrawn yet. */
  #finished: string | undefined;
  #watch: Watch | undefined;

  private constructor(dom0: Dom0Requests, expectation: Expectation, context: AgentContext) {
    this.#dom0 = dom0;
    this.#expectation = expectation;
    this.#context = context;
  }

  /** Watches the announcements of dom0. @throws StubferryError: errors of xenstore */
  static async watch(dom0: Dom0Requests, expectation: Expectation, context: AgentContext): Promise<PreAttachedDisk> {
    const self = new PreAttachedDisk(dom0, expectation, context);
    await self.#startWatch();
    return self;
  }

  async #startWatch(): Promise<void> {
    this.#watch = await this.#dom0.xenstore.watch(this.#key, () => this.#onChange());
  }

  get #key(): string {
    return `${this.#dom0.home}/${PRE_ATTACHED_KEY}`;
  }

  /** Stops the present search and processes the present announcement. */
  #onChange(): Promise<void> {
    this.#stopSearch();
    const search = new AbortController();
    this.#search = search;
    this.#queue = this.#queue.then(() => this.#look(search.signal));
    return this.#queue;
  }

  #stopSearch(): void {
    this.#search.abort(new StubferryError('CANCELLED', 'the search for the pre-attached disk was stopped'));
  }

  async #look(stop: AbortSignal): Promise<void> {
    if (this.#isTaken || stop.aborted) return;
    try {
      const text = await this.#dom0.xenstore.read(this.#key);
      const announced = text === undefined ? undefined : decodePreAttachment(text, this.#key);
      if (announced?.transferUuid === this.#held?.superblock.transferUuid) return;
      await this.#release();
      if (announced !== undefined && announced.transferUuid !== this.#finished) await this.#hold(announced, stop);
    } catch (error) {
      if (!stop.aborted) this.#logUnusable(error);
    }
  }

  #logUnusable(error: unknown): void {
    this.#context.log.warn({ error: StubferryError.from(error).report() }, 'the pre-attached disk cannot be used');
  }

  async #hold({ device, transferUuid }: PreAttachment, stop: AbortSignal): Promise<void> {
    const { timeouts } = this.#context;
    const signal = AbortSignal.any([this.#context.signal, stop]);
    const found = await waitForDevice(device, { ...this.#expectation, transferUuid }, { timeouts, signal });
    this.#held = await holdDisk(found, this.#context);
    this.#context.log.info({ device, transfer: transferUuid }, 'holding the pre-attached disk for the next save');
  }

  async #release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.release();
  }

  /**
   * Passes the held disk to the caller, who must release it. No other disk is held until {@link resume}.
   *
   * @returns undefined when no disk is held, or when dom0 has already written its final status to the disk
   * @throws StubferryError DISK_HUNG: when a disk or xenstore does not respond; the reason of the signal
   */
  async take(): Promise<HeldDisk | undefined> {
    this.#isTaken = true;
    this.#stopSearch();
    await withDiskDeadline(this.#key, this.#context, this.#queue);
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return undefined;
    let isUsable = false;
    try {
      isUsable = !(await withDiskDeadline(held.device.path, this.#context, isOver(held.device, held.superblock)));
    } catch (error) {
      if (!(error instanceof StubferryError && error.code === 'DISK_IO')) throw error;
      this.#logUnusable(error);
    } finally {
      if (!isUsable) await held.release();
    }
    return isUsable ? held : undefined;
  }

  /**
   * Holds pre-attached disks again. The caller must have released the disk of its save before.
   * @param transferUuid the transfer of that disk, which is not held again; undefined when the save had no disk
   */
  resume(transferUuid: string | undefined): void {
    this.#isTaken = false;
    this.#finished = transferUuid;
    void this.#onChange();
  }

  /** Ends the watch and releases the held disk. */
  async close(): Promise<void> {
    await this.#watch?.close();
    this.#stopSearch();
    const context = { ...this.#context, signal: new AbortController().signal };
    await withDiskDeadline(this.#key, context, this.#queue).catch((error: unknown) => this.#logUnusable(error));
    await this.#release();
  }
}
