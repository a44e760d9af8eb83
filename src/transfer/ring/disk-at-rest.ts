/**
 * Examines a transfer disk that no agent is using: after a crash, or kept with --keep-disk. Only reads.
 *
 * Every block of such a disk has a known content: superblock copies, control slots (valid or blank), reserved zeros,
 * and on the ring the frames of the last laps. While the ring has not wrapped, everything behind the last frame must be
 * blank, so that one flipped bit anywhere is found. After a wrap, the remains of overwritten frames cannot be
 * distinguished from damage; they are counted as other blocks.
 */

import { StubferryError } from '../../base/errors/index.js';
import type { BlockDevice } from '../../blockdev-utils/index.js';
import { alignedBuffer } from '../../blockdev-utils/index.js';
import { BLOCK_SIZE, isBlank, padded } from '../../formats/protocol/block.js';
import { type ControlBlock, decodeControlBlock, type Role } from '../../formats/protocol/control-block.js';
import { chainOver, decodeFrameHeader, type FrameHeader } from '../../formats/protocol/frame.js';
import { decodeSuperblock, RING_START, type Superblock } from '../../formats/protocol/superblock.js';
import { uuidSeed } from '../../formats/protocol/uuid.js';
import {
  CONTROL_OFFSETS,
  CONTROL_SLOTS,
  controlSeed,
  RESERVED_OFFSET,
  readSuperblock,
  SUPERBLOCK_OFFSETS,
} from './disk-layout.js';

/** What is on a transfer disk at rest. */
export interface DiskSummary {
  readonly superblock: Superblock;
  readonly sender: ControlBlock | undefined;
  readonly receiver: ControlBlock | undefined;
  /** Valid frames on the ring, the frames with data among them, and the payload bytes of all of them. */
  readonly frames: number;
  readonly dataFrames: number;
  readonly payloadBytes: number;
  /** Whether the ring has wrapped. Then some of its blocks can be remains of overwritten frames. */
  readonly wrapped: boolean;
  /** Blocks of the ring that are neither part of a valid frame nor blank: remains of overwritten frames, or damage. */
  readonly otherBlocks: number;
}

/** Receives each damaged or unexpected block that {@link examineDisk} finds, as an error with the code CORRUPT. */
export type OnDamage = (error: StubferryError) => void;

/**
 * Reads a whole transfer disk and checks every block.
 * @param onDamage is called for each block with an unexpected content
 * @throws StubferryError what {@link readSuperblock} throws: when neither copy of the superblock is valid; DISK_IO
 */
export async function examineDisk(device: BlockDevice, onDamage: OnDamage): Promise<DiskSummary> {
  const superblock = await readSuperblock(device);
  const damage = (offset: number, message: string, expected: string, found: string): void => {
    onDamage(new StubferryError('CORRUPT', message, { where: device.path, offset, expected, found }));
  };
  const block = alignedBuffer(BLOCK_SIZE);
  for (const offset of SUPERBLOCK_OFFSETS) {
    await device.read(block, offset);
    try {
      decodeSuperblock(block, device.path, offset, device.size);
    } catch (error) {
      onDamage(StubferryError.from(error));
    }
  }
  const controls: Record<Role, ControlBlock | undefined> = { sender: undefined, receiver: undefined };
  for (const role of ['receiver', 'sender'] as const) {
    for (let slot = 0; slot < CONTROL_SLOTS; slot += 1) {
      const offset = CONTROL_OFFSETS[role] + slot * BLOCK_SIZE;
      await device.read(block, offset);
      const control = decodeControlBlock(block, role, controlSeed(superblock, role, slot));
      const newest = controls[role];
      if (control !== undefined) {
        if (newest === undefined || control.sequence > newest.sequence) controls[role] = control;
      } else if (!isBlank(block)) {
        damage(offset, `slot ${slot} of the ${role}'s control block is damaged`, 'a valid block or zeros', 'neither');
      }
    }
  }
  for (let offset = RESERVED_OFFSET; offset < RING_START; offset += BLOCK_SIZE) {
    await device.read(block, offset);
    if (!isBlank(block)) damage(offset, 'a reserved block is not blank', 'zeros', 'other bytes');
  }
  const ring = await examineRing(device, superblock, controls.sender?.cursor ?? 0, damage);
  return { superblock, ...controls, ...ring };
}

type Damage = (offset: number, message: string, expected: string, found: string) => void;

async function examineRing(
  device: BlockDevice,
  superblock: Superblock,
  written: number,
  damage: Damage,
): Promise<Pick<DiskSummary, 'frames' | 'dataFrames' | 'payloadBytes' | 'wrapped' | 'otherBlocks'>> {
  const seed = uuidSeed(superblock.transferUuid);
  const { ringStart, ringLength, maxPayload } = superblock;
  const block = alignedBuffer(BLOCK_SIZE);
  const payload = alignedBuffer(padded(maxPayload));
  const wrapped = written > ringLength;
  let [frames, dataFrames, payloadBytes, otherBlocks, tried] = [0, 0, 0, 0, 0];
  for (let position = 0; position < ringLength; ) {
    const offset = ringStart + position;
    await device.read(block, offset);
    const header = decodeFrameHeader(block, seed);
    const usable = typeof header !== 'string' && fits(header, position, superblock);
    // Headers that claim each other's blocks must not make this function read the ring many times over.
    if (usable) tried += header.payloadLength;
    if (usable && tried <= 2 * ringLength && (await isPayloadValid(device, header, offset, payload))) {
      frames += 1;
      if (header.type === 'data') dataFrames += 1;
      payloadBytes += header.payloadLength;
      // The bytes behind a padding header are never written: they still have the content of the previous lap.
      position += header.type === 'padding' && wrapped ? BLOCK_SIZE : header.frameLength;
      continue;
    }
    if (!isBlank(block) || position < written) {
      otherBlocks += 1;
      const what = usable
        ? 'a payload that does not match its header'
        : typeof header === 'string'
          ? header
          : 'a frame at the wrong position';
      if (!wrapped) damage(offset, 'a block of the ring is damaged', position < written ? 'a frame' : 'zeros', what);
    }
    position += BLOCK_SIZE;
  }
  return { frames, dataFrames, payloadBytes, wrapped, otherBlocks };
}

function fits(header: FrameHeader, position: number, { ringLength, maxPayload }: Superblock): boolean {
  return (
    header.position % ringLength === position &&
    header.payloadLength <= maxPayload &&
    position + header.frameLength <= ringLength
  );
}

async function isPayloadValid(
  device: BlockDevice,
  header: FrameHeader,
  offset: number,
  payload: Uint8Array,
): Promise<boolean> {
  const bytes = payload.subarray(0, padded(header.payloadLength));
  await device.read(bytes, offset + BLOCK_SIZE);
  return chainOver(bytes, header.chainBefore) === header.chainAfter;
}
