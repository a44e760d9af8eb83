/**
 * The values of fields. QEMU writes numbers big-endian. The name of a field's type says how QEMU writes the field
 * (`vmstate_info_*` in QEMU's migration/vmstate-types.c). A field of a type that is not listed here is shown as bytes.
 */
import type { Field } from './fields.js';

/** The value of a field that is not a struct. */
export type Value =
  | { readonly kind: 'integer'; readonly value: bigint; readonly signed: boolean }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'bytes'; readonly value: Uint8Array };

/**
 * The names of the signed integer types. When QEMU loads a field of a type `... equal` or `... le`, it checks that the
 * field is equal to, or less than or equal to, the destination's value. QEMU writes such fields like other integers.
 */
const SIGNED = new Set(['int8', 'int16', 'int32', 'int64', 'int32 equal', 'int32 le', 'int64 equal']);
const UNSIGNED = new Set(['uint8', 'uint16', 'uint32', 'uint64', 'uint32 equal', 'uint8 equal', 'uint16 equal']);

/** The type of a timer: its expiry in nanoseconds of the virtual clock; -1 if the timer is not running. */
export const TIMER = 'timer';
const MAX_INTEGER_BYTES = 8;

/** Decodes the bytes of a field that is not a struct. */
export function fieldValue({ type, bytes }: Pick<Field, 'type' | 'bytes'>): Value {
  if (bytes.length > 0 && bytes.length <= MAX_INTEGER_BYTES) {
    if (type === 'bool') return { kind: 'boolean', value: bytes[0] !== 0 };
    const signed = SIGNED.has(type) || (type === TIMER && bytes.length === MAX_INTEGER_BYTES);
    if (signed || UNSIGNED.has(type)) return { kind: 'integer', value: integerFrom(bytes, signed), signed };
  }
  return { kind: 'bytes', value: bytes };
}

function integerFrom(bytes: Uint8Array, signed: boolean): bigint {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return signed ? BigInt.asIntN(8 * bytes.length, value) : value;
}
