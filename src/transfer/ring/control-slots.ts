/** The two slots of one writer's control block, read and written as wholes. */
import { alignedBuffer, type BlockDevice } from '../../blockdev-utils/index.js';
import { BLOCK_SIZE } from '../../formats/protocol/block.js';
import {
  ACKNOWLEDGEMENTS,
  type ControlBlock,
  DOM0_ROLE,
  decodeControlBlock,
  encodeControlBlock,
  type Phase,
  type Role,
} from '../../formats/protocol/control-block.js';
import type { Superblock } from '../../formats/protocol/superblock.js';
import { CONTROL_OFFSETS, CONTROL_SLOTS, controlSeed } from './disk-layout.js';

export class ControlSlots {
  readonly #device: BlockDevice;
  readonly #role: Role;
  readonly #seeds: readonly bigint[];
  readonly #readBuffer = alignedBuffer(CONTROL_SLOTS * BLOCK_SIZE);
  readonly #writeBuffer = alignedBuffer(BLOCK_SIZE);
  #reading: Promise<ControlBlock | undefined> | undefined;

  constructor(device: BlockDevice, role: Role, superblock: Superblock) {
    this.#device = device;
    this.#role = role;
    this.#seeds = Array.from({ length: CONTROL_SLOTS }, (_, slot) => controlSeed(superblock, role, slot));
  }

  /** The newest valid one of the two, or undefined when neither is valid. Callers at the same time share one read. */
  newest(): Promise<ControlBlock | undefined> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<ControlBlock | undefined> {
    await this.#device.read(this.#readBuffer, CONTROL_OFFSETS[this.#role]);
    let newest: ControlBlock | undefined;
    for (const [slot, seed] of this.#seeds.entries()) {
      const block = this.#readBuffer.subarray(slot * BLOCK_SIZE, (slot + 1) * BLOCK_SIZE);
      const control = decodeControlBlock(block, this.#role, seed);
      if (control !== undefined && (newest === undefined || control.sequence > newest.sequence)) newest = control;
    }
    return newest;
  }

  /** As {@link BlockDevice.stalledFor}. */
  stalledFor(): number {
    return this.#device.stalledFor();
  }

  /** Writes `control` into the slot of its parity. One write at a time: the caller waits for each. */
  async write(control: ControlBlock): Promise<void> {
    const slot = control.sequence % CONTROL_SLOTS;
    encodeControlBlock(this.#writeBuffer, this.#role, control, this.#seeds[slot] ?? 0n);
    await this.#device.write(this.#writeBuffer, CONTROL_OFFSETS[this.#role] + slot * BLOCK_SIZE);
  }
}

/** The phases after which an agent does nothing more on a disk. */
export const FINAL_PHASES: readonly Phase[] = ['done', ...ACKNOWLEDGEMENTS, 'aborted'];

/** Where dom0's agent stands on this disk, as its own control block says; undefined when it never came. */
export async function dom0Phase(device: BlockDevice, superblock: Superblock): Promise<Phase | undefined> {
  return (await new ControlSlots(device, DOM0_ROLE[superblock.direction], superblock).newest())?.phase;
}

/**
 * Whether dom0's agent has had its last word on this disk: then nothing can come of it any more, and the disk is there only because
 * it has not been removed yet.
 */
export async function isOver(device: BlockDevice, superblock: Superblock): Promise<boolean> {
  const phase = await dom0Phase(device, superblock);
  return phase !== undefined && FINAL_PHASES.includes(phase);
}
