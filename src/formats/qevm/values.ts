/**
 * What the bytes of a field mean. QEMU writes numbers big-endian; how a field is written is told by the name of its type
 * (`vmstate_info_*` in QEMU's migration/vmstate-types.c). A type that is not listed here is shown as bytes.
 */
import type { Field } from './fields.js';

export type Value =
  | { readonly kind: 'integer'; readonly value: bigint; readonly signed: boolean }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'bytes'; readonly value: Uint8Array };

/**
 * `... equal` and `... le` are compared with the destination's value when they are loaded: equal, or less or equal. They
 * are written as plain integers are.
 */
const SIGNED = new Set(['int8', 'int16', 'int32', 'int64', 'int32 equal', 'int32 le', 'int64 equal']);
const UNSIGNED = new Set(['uint8', 'uint16', 'uint32', 'uint64', 'uint32 equal', 'uint8 equal', 'uint16 equal']);

/** Nanoseconds of the virtual clock; -1 where the timer is not running. */
export const TIMER = 'timer';
const LARGEST_INTEGER = 8;

/** The value of a field that is no struct. */
export function fieldValue({ type, bytes }: Pick<Field, 'type' | 'bytes'>): Value {
  if (bytes.length > 0 && bytes.length <= LARGEST_INTEGER) {
    if (type === 'bool') return { kind: 'boolean', value: bytes[0] !== 0 };
    const signed = SIGNED.has(type) || (type === TIMER && bytes.length === LARGEST_INTEGER);
    if (signed || UNSIGNED.has(type)) return { kind: 'integer', value: integerFrom(bytes, signed), signed };
  }
  return { kind: 'bytes', value: bytes };
}

function integerFrom(bytes: Uint8Array, signed: boolean): bigint {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return signed ? BigInt.asIntN(8 * bytes.length, value) : value;
}
