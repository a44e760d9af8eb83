/**
 * A disk that dom0 has prepared for the next save, held open until that save comes: then nothing has to be asked, attached or found
 * while the guest stands still.
 *
 *     (nothing) --offer--> looked for --there--> held --take--> the save's --resume--> (nothing)
 *         ^                    |                  |
 *         '----withdrawn-------+------------------'    dom0 takes the offer back before it detaches the disk, which stays in use
 *                                                      as long as it is open here
 *
 * From take to resume offers are left alone. A save that finds none held asks dom0, which answers with the disk that it has offered
 * meanwhile: held here as well, its role would be locked by this very process (seen on real Xen, when the hook gave up waiting).
 *
 * It is a convenience: whatever goes wrong with an offer is logged, and the save asks dom0 as it does without one.
 */

import { StubferryError } from '../../base/errors/index.js';
import { decodePreAttachment, PRE_ATTACHED_KEY, type PreAttachment } from '../../formats/protocol/request.js';
import { isOver } from '../../transfer/ring/index.js';
import type { Watch } from '../../xen/xenstore/index.js';
import type { AgentContext } from '../agent-context.js';
import { withDiskDeadline } from '../disk-deadline.js';
import { lockStubdomRole } from '../role-lock.js';
import type { Expectation, FoundDisk } from './find-disk.js';
import { type Dom0Requests, waitForDevice } from './requested-disk.js';

/** A disk that is open, its role locked. */
export interface HeldDisk extends FoundDisk {
  release(): Promise<void>;
}

export class PreAttachedDisk {
  readonly #dom0: Dom0Requests;
  readonly #expectation: Expectation;
  readonly #context: AgentContext;
  #held: HeldDisk | undefined;
  /** What is done with offers, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  /** Ends the look for a disk that is not there yet: it may never come. */
  #search = new AbortController();
  #isTaken = false;
  /** A transfer that is over, whose offer may not have been withdrawn yet. */
  #spent: string | undefined;
  #watch: Watch | undefined;

  private constructor(dom0: Dom0Requests, expectation: Expectation, context: AgentContext) {
    this.#dom0 = dom0;
    this.#expectation = expectation;
    this.#context = context;
  }

  /** @throws errors of xenstore */
  static async watch(dom0: Dom0Requests, expectation: Expectation, context: AgentContext): Promise<PreAttachedDisk> {
    const self = new PreAttachedDisk(dom0, expectation, context);
    await self.#begin();
    return self;
  }

  async #begin(): Promise<void> {
    this.#watch = await this.#dom0.xenstore.watch(this.#key, () => this.#next());
  }

  get #key(): string {
    return `${this.#dom0.home}/${PRE_ATTACHED_KEY}`;
  }

  /** Something has changed: what was looked for is not waited for. */
  #next(): Promise<void> {
    this.#giveUpSearch();
    const search = new AbortController();
    this.#search = search;
    this.#turn = this.#turn.then(() => this.#look(search.signal));
    return this.#turn;
  }

  #giveUpSearch(): void {
    this.#search.abort(new StubferryError('CANCELLED', 'the disk that dom0 offers is not waited for any more'));
  }

  async #look(stop: AbortSignal): Promise<void> {
    if (this.#isTaken || stop.aborted) return;
    try {
      const text = await this.#dom0.xenstore.read(this.#key);
      const offer = text === undefined ? undefined : decodePreAttachment(text, this.#key);
      if (offer?.transferUuid === this.#held?.superblock.transferUuid) return;
      await this.#release();
      if (offer !== undefined && offer.transferUuid !== this.#spent) await this.#hold(offer, stop);
    } catch (error) {
      if (!stop.aborted) this.#unusable(error);
    }
  }

  #unusable(error: unknown): void {
    this.#context.log.warn({ error: StubferryError.from(error).report() }, 'the disk that dom0 offers cannot be used');
  }

  async #hold({ device, transferUuid }: PreAttachment, stop: AbortSignal): Promise<void> {
    const { timeouts } = this.#context;
    const signal = AbortSignal.any([this.#context.signal, stop]);
    const found = await waitForDevice(device, { ...this.#expectation, transferUuid }, { timeouts, signal });
    try {
      const lock = await lockStubdomRole(found.device.path);
      this.#held = {
        ...found,
        release: async () => {
          await lock.release();
          await found.device.close();
        },
      };
    } catch (error) {
      await found.device.close();
      throw error;
    }
    this.#context.log.info({ device, transfer: transferUuid }, 'holding the disk of the next save');
  }

  async #release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.release();
  }

  /**
   * The disk that is held, for the caller to release; undefined when there is none, or dom0 has had its last word on it. Until
   * {@link resume} no other is held.
   *
   * @throws StubferryError DISK_HUNG; the reason of an abort
   */
  async take(): Promise<HeldDisk | undefined> {
    this.#isTaken = true;
    this.#giveUpSearch();
    await withDiskDeadline(this.#key, this.#context, this.#turn);
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return undefined;
    let isUsable = false;
    try {
      isUsable = !(await withDiskDeadline(held.device.path, this.#context, isOver(held.device, held.superblock)));
    } catch (error) {
      if (!(error instanceof StubferryError && error.code === 'DISK_IO')) throw error;
      this.#unusable(error);
    } finally {
      if (!isUsable) await held.release();
    }
    return isUsable ? held : undefined;
  }

  /** The save has let go of its disk. @param transferUuid of that disk, if it had one */
  resume(transferUuid: string | undefined): void {
    this.#isTaken = false;
    this.#spent = transferUuid;
    void this.#next();
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    this.#giveUpSearch();
    const context = { ...this.#context, signal: new AbortController().signal };
    await withDiskDeadline(this.#key, context, this.#turn).catch((error: unknown) => this.#unusable(error));
    await this.#release();
  }
}
