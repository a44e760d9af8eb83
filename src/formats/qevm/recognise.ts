/**
 * Recognizes a QEMU state by its first bytes (big-endian; the source is QEMU's migration/savevm.c):
 *
 *     0   4   magic "QEVM"
 *     4   4   version, 3
 *     8   1   configuration (0x07): u32 length, machine type; only in a whole migration stream
 *         1   then the first section: 0x01 start (RAM is the first section of a migration), 0x04 full (a device)
 *
 * `xen-save-devices-state` writes only devices, without a configuration and RAM (measured with QEMU 7.2).
 */

import { printable, StubferryError } from '../../base/errors/index.js';
import { viewOf } from '../protocol/block.js';
import type { StateKind } from '../protocol/records.js';
import { CONFIGURATION, END_OF_STATE, SECTION_TYPES } from './section-header.js';

const QEVM_MAGIC = 'QEVM';
/** The format version that the reader supports. */
export const QEVM_VERSION = 3;
/** Length of the longest machine type, in bytes. */
export const LONGEST_MACHINE_TYPE = 255;

/** What the first bytes of a state show. */
export interface QevmStart {
  readonly kind: Exclude<StateKind, 'opaque'>;
  /** The machine type in the configuration; empty if there is no configuration. */
  readonly machineType: string;
}

/** Whether `bytes` begin with the magic of a QEMU state. */
export function hasQevmMagic(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1') === QEVM_MAGIC;
}

/**
 * Recognizes the kind of a QEMU state by its first bytes.
 *
 * @param bytes the first bytes of the state, with the magic; 300 bytes are enough
 * @param where the name of the source, for messages
 * @throws StubferryError UNSUPPORTED_VERSION: when the format version is not 3; TRUNCATED: when the bytes end too
 * early; CORRUPT: when the first section or the machine type is invalid
 */
export function recogniseQevm(bytes: Uint8Array, where: string): QevmStart {
  if (bytes.length < 9) throw truncated(where, bytes.length);
  const view = viewOf(bytes);
  const version = view.getUint32(4);
  if (version !== QEVM_VERSION) {
    throw new StubferryError('UNSUPPORTED_VERSION', 'the QEMU state has an unsupported format version', {
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
 * Whether a QEMU state can end in this byte: the end mark, or the brace that closes the JSON description after it. This
 * is only a necessary condition, because bodies are full of zeros. But a state without a container allows no better
 * check.
 */
export function canEndIn(lastByte: number): boolean {
  return LAST_BYTES.includes(lastByte);
}
