/**
 * Says from the first bytes of a QEMU state what it is. Big-endian; the source is QEMU's migration/savevm.c.
 *
 *     0   4   magic "QEVM"
 *     4   4   version, 3
 *     8   1   configuration (0x07): u32 length, machine type; only in a whole migration stream
 *         1   then the first section: 0x01 start (RAM comes first in a migration), 0x04 full (a device)
 *
 * `xen-save-devices-state` writes devices alone, and neither configuration nor RAM (measured: QEMU 7.2).
 */

import { printable, StubferryError } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import type { StateKind } from '../protocol/records.js';
import { CONFIGURATION, END_OF_STATE, SECTION_TYPES } from './section-header.js';

const QEVM_MAGIC = 'QEVM';
export const QEVM_VERSION = 3;
export const LONGEST_MACHINE_TYPE = 255;

/** What the first bytes say. */
export interface QevmStart {
  readonly kind: Exclude<StateKind, 'opaque'>;
  /** From the configuration section; empty where there is none. */
  readonly machineType: string;
}

/** Whether `bytes` begin like a QEMU state at all. */
export function hasQevmMagic(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1') === QEVM_MAGIC;
}

/**
 * @param bytes the first bytes of the state, with the magic; as many as there are (300 are enough)
 * @param where the source, for messages
 * @throws StubferryError UNSUPPORTED_VERSION, TRUNCATED, CORRUPT
 */
export function recogniseQevm(bytes: Uint8Array, where: string): QevmStart {
  if (bytes.length < 9) throw truncated(where, bytes.length);
  const view = viewOf(bytes);
  const version = view.getUint32(4);
  if (version !== QEVM_VERSION) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'a QEMU state of another version', {
      where,
      offset: 4,
      expected: `${QEVM_VERSION}`,
      found: `${version}`,
    });
  }
  const first = view.getUint8(8);
  if (first === CONFIGURATION) return { kind: 'migration-stream', machineType: machineTypeOf(bytes, where) };
  if (first === SECTION_TYPES.start) return { kind: 'migration-stream', machineType: '' };
  if (first === SECTION_TYPES.full || first === END_OF_STATE) return { kind: 'device-state', machineType: '' };
  throw new StubferryError('CORRUPT', 'the first section of the QEMU state has an unknown type', {
    where,
    offset: 8,
    expected: '0x07 (configuration), 0x01 (start), 0x04 (full) or 0x00 (end)',
    found: `0x${first.toString(16).padStart(2, '0')}`,
  });
}

function machineTypeOf(bytes: Uint8Array, where: string): string {
  if (bytes.length < 13) throw truncated(where, bytes.length);
  const length = viewOf(bytes).getUint32(9);
  if (length > LONGEST_MACHINE_TYPE) {
    throw new StubferryError('CORRUPT', 'the machine type in the configuration section is too long', {
      where,
      offset: 9,
      expected: `at most ${LONGEST_MACHINE_TYPE} bytes`,
      found: `${length}`,
    });
  }
  if (bytes.length < 13 + length) throw truncated(where, bytes.length);
  return printable(Buffer.from(bytes.subarray(13, 13 + length)).toString('latin1'));
}

function truncated(where: string, length: number): StubferryError {
  return new StubferryError('TRUNCATED', 'the QEMU state ends within its header', {
    where,
    offset: length,
    expected: 'a first section',
    found: `${length} bytes`,
  });
}

const LAST_BYTES: readonly number[] = [END_OF_STATE, '}'.charCodeAt(0)];

/**
 * Whether a QEMU state can end in this byte: the end mark, or the brace that closes the JSON description behind it. A
 * necessary condition only, since bodies are full of zeros; but it is all that a bare state offers.
 */
export function canEndIn(lastByte: number): boolean {
  return LAST_BYTES.includes(lastByte);
}
