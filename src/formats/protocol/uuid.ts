/** UUIDs as 16 bytes in the order in which they are printed, as in Xen's `xen_uuid` and in RFC 9562. */
import { viewOf } from './block.js';

/** The length of a binary UUID, in bytes. */
export const UUID_BYTES = 16;

/** The UUID that means "none". */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

const PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` is a UUID in the usual form with dashes. */
export function isUuid(text: string): boolean {
  return PATTERN.test(text);
}

/** Formats the first 16 bytes as a UUID, in lower case. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, UUID_BYTES)).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Parses a UUID. Callers check user input with {@link isUuid}. @throws RangeError when `text` is not a UUID */
export function parseUuid(text: string): Uint8Array {
  if (!isUuid(text)) throw new RangeError(`not a UUID: ${text}`);
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

/** Returns the seed of all checksums of one transfer: the xor of both halves of its UUID, read as little-endian u64. */
export function uuidSeed(uuid: string): bigint {
  const view = viewOf(parseUuid(uuid));
  return view.getBigUint64(0, true) ^ view.getBigUint64(8, true);
}
