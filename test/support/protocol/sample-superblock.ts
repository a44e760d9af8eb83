/** A valid superblock, of which tests change single fields. */

import { viewOf, writeChecksum } from '../../../src/formats/protocol/block.js';
import { encodeSuperblock, type Superblock } from '../../../src/formats/protocol/superblock.js';

export const SUPERBLOCK: Superblock = {
  ringStart: 65536,
  ringLength: 1 << 20,
  transferUuid: '00112233-4455-6677-8899-aabbccddeeff',
  targetUuid: 'f0e0d0c0-b0a0-4090-8070-605040302010',
  targetDomid: 7,
  direction: 'save',
  maxPayload: 65536,
  maxState: 1 << 30,
  writer: 'stubferry 0.1.0',
};

/** The size of a disk with exactly this ring, in bytes. */
export const DISK_SIZE = SUPERBLOCK.ringStart + SUPERBLOCK.ringLength;

/** Returns the encoded superblock after `change`, with a valid checksum. */
export function superblockWith(change: (view: DataView, block: Uint8Array) => void): Uint8Array {
  const block = encodeSuperblock(SUPERBLOCK);
  change(viewOf(block), block);
  writeChecksum(block, 0n);
  return block;
}
