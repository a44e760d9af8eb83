/** The two slots of one writer's control block. They are read and written as whole blocks. */
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

/**
 * Reads and writes the control block of one role on the disk. A writer alternates between the two slots, so that a torn
 * write leaves the previous block readable.
 */
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

  /**
   * Returns the newest valid block of the two slots, or undefined when neither is valid. Concurrent callers share one
   * read.
   * @throws StubferryError DISK_IO
   */
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

  /** See {@link BlockDevice.stalledFor}; in milliseconds. */
  stalledFor(): number {
    return this.#device.stalledFor();
  }

  /**
   * Writes `control` into the slot that the parity of its sequence number selects. Writes must not be concurrent: the
   * caller awaits each one.
   * @throws StubferryError DISK_IO
   */
  async write(control: ControlBlock): Promise<void> {
    const slot = control.sequence % CONTROL_SLOTS;
    encodeControlBlock(this.#writeBuffer, this.#role, control, this.#seeds[slot] ?? 0n);
    await this.#device.write(this.#writeBuffer, CONTROL_OFFSETS[this.#role] + slot * BLOCK_SIZE);
  }
}

/** The phases after which an agent does nothing more on a disk. */
export const FINAL_PHASES: readonly Phase[] = ['done', ...ACKNOWLEDGEMENTS, 'aborted'];

/**
 * Returns the phase of the dom0 agent from its control block on this disk; undefined when no dom0 agent has opened the
 * disk.
 * @throws StubferryError DISK_IO
 */
export async function dom0Phase(device: BlockDevice, superblock: Superblock): Promise<Phase | undefined> {
  return (await new ControlSlots(device, DOM0_ROLE[superblock.direction], superblock).newest())?.phase;
}

/**
 * Whether the dom0 agent has published its final status on this disk. Then no transfer can happen on the disk; it only
 * waits for its removal.
 * @throws StubferryError DISK_IO
 */
export async function isOver(device: BlockDevice, superblock: Superblock): Promise<boolean> {
  const phase = await dom0Phase(device, superblock);
  return phase !== undefined && FINAL_PHASES.includes(phase);
}
