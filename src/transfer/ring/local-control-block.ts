/**
 * This agent's own control block: the fields in memory, and their way to the disk.
 *
 * Writes are never concurrent, and never queue up: while one is under way, any number of changes wait for one more.
 */

import { StubferryError } from '../../base/errors/index.js';
import { ACKNOWLEDGEMENTS, type ControlBlock, type Phase } from '../../formats/protocol/control-block.js';
import type { ControlSlots } from './control-slots.js';

/** What an agent says about itself; the sequence and the epoch are added on the way. */
export type ControlFields = Omit<ControlBlock, 'sequence' | 'epoch'>;

/** Words that are not taken back: a state that was acknowledged is durable, whatever goes wrong afterwards. */
const FINAL_PHASES: readonly Phase[] = ['aborted', ...ACKNOWLEDGEMENTS];

const START: ControlFields = { peerEpoch: 0n, cursor: 0, streamed: 0, phase: 'ready', errorStatus: 0, reason: '' };

export class LocalControlBlock {
  readonly epoch: bigint;
  readonly #slots: ControlSlots;
  readonly #where: string;
  #standing = START;
  #sequence: number;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(slots: ControlSlots, epoch: bigint, sequence: number, where: string) {
    this.#slots = slots;
    this.epoch = epoch;
    this.#sequence = sequence;
    this.#where = where;
  }

  /** Takes over the slots, after whatever an earlier agent left in them, and says `ready`. */
  static async take(slots: ControlSlots, epoch: bigint, where: string): Promise<LocalControlBlock> {
    const left = await slots.newest();
    const own = new LocalControlBlock(slots, epoch, left?.sequence ?? 0, where);
    await own.publish();
    return own;
  }

  get standing(): ControlFields {
    return this.#standing;
  }

  /** Changes fields in memory; the next {@link publish} or heartbeat carries them. */
  set(change: Partial<ControlFields>): void {
    // Work that was left behind may still report progress, and what comes after an acknowledgement may still fail.
    if (FINAL_PHASES.includes(this.#standing.phase)) return;
    this.#standing = { ...this.#standing, ...change };
  }

  /** Resolves when the fields, as they are now or later, are on the disk. */
  publish(change: Partial<ControlFields> = {}): Promise<void> {
    this.set(change);
    this.#next ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#sequence += 1;
        return this.#slots.write({ ...this.#standing, sequence: this.#sequence, epoch: this.epoch });
      });
    this.#last = this.#next;
    return this.#last;
  }

  /** {@link publish}, after a look whether the block is still ours. @throws StubferryError DISK_LOCKED */
  async beat(): Promise<void> {
    const found = await this.#slots.newest();
    if (found !== undefined && found.epoch !== this.epoch) {
      const phase: Phase = found.phase;
      throw new StubferryError('DISK_LOCKED', 'another agent writes the same control block', {
        where: this.#where,
        expected: 'one agent in this role',
        found: `a second one, ${phase}`,
        hint: 'stop one of the two agents; the transfer has to be started again',
      });
    }
    await this.publish();
  }
}
