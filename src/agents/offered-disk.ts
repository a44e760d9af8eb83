/**
 * A disk that dom0 has prepared for the next save, held open until that save comes: then nothing has to be asked, attached or found
 * while the guest stands still.
 *
 *     (nothing) --offer--> held --take--> the save's
 *         ^                  |
 *         '----withdrawn-----'    dom0 takes the offer back before it detaches the disk, which stays in use as long as it is open here
 *
 * It is a convenience: whatever goes wrong with an offer is logged, and the save asks dom0 as it does without one.
 */
import { isOver } from '../channel/index.js';
import { decodeOffer, OFFER_KEY } from '../codec/request.js';
import { StubferryError } from '../errors/index.js';
import type { Watch } from '../xenstore/index.js';
import type { AgentContext } from './agent-context.js';
import { type AskedDom0, untilThere } from './asked-disk.js';
import type { Expectation, FoundDisk } from './find-disk.js';
import { lockStubdomRole } from './role-lock.js';

/** A disk that is open, its role locked. */
export interface HeldDisk extends FoundDisk {
  release(): Promise<void>;
}

export class OfferedDisk {
  readonly #dom0: AskedDom0;
  readonly #expectation: Expectation;
  readonly #context: AgentContext;
  #held: HeldDisk | undefined;
  /** What is done with offers, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #watch: Watch | undefined;

  private constructor(dom0: AskedDom0, expectation: Expectation, context: AgentContext) {
    this.#dom0 = dom0;
    this.#expectation = expectation;
    this.#context = context;
  }

  /** @throws errors of xenstore */
  static async watch(dom0: AskedDom0, expectation: Expectation, context: AgentContext): Promise<OfferedDisk> {
    const self = new OfferedDisk(dom0, expectation, context);
    await self.#begin();
    return self;
  }

  async #begin(): Promise<void> {
    const { xenstore, home } = this.#dom0;
    this.#watch = await xenstore.watch(`${home}/${OFFER_KEY}`, () => {
      this.#turn = this.#turn.then(() => this.#look());
      return this.#turn;
    });
  }

  async #look(): Promise<void> {
    const { xenstore, home } = this.#dom0;
    const key = `${home}/${OFFER_KEY}`;
    try {
      const text = await xenstore.read(key);
      const offer = text === undefined ? undefined : decodeOffer(text, key);
      if (offer?.transferUuid === this.#held?.superblock.transferUuid) return;
      await this.#release();
      if (offer !== undefined) await this.#hold(offer.device, offer.transferUuid);
    } catch (error) {
      this.#context.log.warn(
        { error: StubferryError.from(error).report() },
        'the disk that dom0 offers cannot be used',
      );
    }
  }

  async #hold(device: string, transferUuid: string): Promise<void> {
    const found = await untilThere(device, { ...this.#expectation, transferUuid }, this.#context);
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

  /** The disk that is held, for the caller to release; undefined when there is none, or dom0 has had its last word on it. */
  async take(): Promise<HeldDisk | undefined> {
    await this.#turn;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || !(await isOver(held.device, held.superblock))) return held;
    await held.release();
    return undefined;
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    await this.#turn;
    await this.#release();
  }
}
