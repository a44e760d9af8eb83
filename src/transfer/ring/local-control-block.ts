/**
 * The control block of this agent: its fields in memory, and the writes to the disk.
 *
 * Writes are neither concurrent nor queued: while one is running, any number of changes wait for one more write.
 */

import { StubferryError } from '../../base/errors/index.js';
import { ACKNOWLEDGEMENTS, type ControlBlock, type Phase } from '../../formats/protocol/control-block.js';
import type { ControlSlots } from './control-slots.js';

/** The fields that an agent sets itself; the sequence and the epoch are added when the block is written. */
export type ControlFields = Omit<ControlBlock, 'sequence' | 'epoch'>;

/** Phases that are not taken back: an acknowledged state is durable, whatever fails afterwards. */
const IRREVOCABLE_PHASES: readonly Phase[] = ['aborted', ...ACKNOWLEDGEMENTS];

const START: ControlFields = { peerEpoch: 0n, cursor: 0, streamed: 0, phase: 'ready', errorStatus: 0, reason: '' };

/** The control block of this agent. Create it with {@link LocalControlBlock.take}. */
export class LocalControlBlock {
  readonly epoch: bigint;
  readonly #slots: ControlSlots;
  readonly #where: string;
  #fields = START;
  #sequence: number;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(slots: ControlSlots, epoch: bigint, sequence: number, where: string) {
    this.#slots = slots;
    this.epoch = epoch;
    this.#sequence = sequence;
    this.#where = where;
  }

  /**
   * Takes over the slots and publishes the phase `ready`. The sequence continues that of an earlier agent in the same
   * role.
   * @throws StubferryError DISK_IO
   */
  static async take(slots: ControlSlots, epoch: bigint, where: string): Promise<LocalControlBlock> {
    const earlier = await slots.newest();
    const own = new LocalControlBlock(slots, epoch, earlier?.sequence ?? 0, where);
    await own.publish();
    return own;
  }

  get fields(): ControlFields {
    return this.#fields;
  }

  /** Changes fields in memory; the next {@link publish} or heartbeat writes them. */
  set(change: Partial<ControlFields>): void {
    // Abandoned work may still report progress, and a step after the acknowledgement may still fail.
    if (IRREVOCABLE_PHASES.includes(this.#fields.phase)) return;
    this.#fields = { ...this.#fields, ...change };
  }

  /**
   * Resolves when the fields, with their present or later values, are on the disk.
   * @throws StubferryError DISK_IO
   */
  publish(change: Partial<ControlFields> = {}): Promise<void> {
    this.set(change);
    this.#next ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#sequence += 1;
        return this.#slots.write({ ...this.#fields, sequence: this.#sequence, epoch: this.epoch });
      });
    this.#last = this.#next;
    return this.#last;
  }

  /**
   * Calls {@link publish} after a check that the block on the disk still belongs to this agent.
   * @throws StubferryError DISK_LOCKED: when another agent writes the same block; DISK_IO
   */
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
