/** UUIDs as 16 bytes, in the order in which they are printed (as Xen's `xen_uuid` and RFC 9562 have them). */
import { viewOf } from './block.js';

export const UUID_BYTES = 16;

/** The UUID that stands for "none". */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

const PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` is a UUID in the usual form with dashes. */
export function isUuid(text: string): boolean {
  return PATTERN.test(text);
}

export function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, UUID_BYTES)).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** @throws RangeError when `text` is not a UUID; callers check user input with {@link isUuid} */
export function parseUuid(text: string): Uint8Array {
  if (!isUuid(text)) throw new RangeError(`not a UUID: ${text}`);
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

/** The seed of all checksums of one transfer: both halves of its UUID, folded. */
export function uuidSeed(uuid: string): bigint {
  const view = viewOf(parseUuid(uuid));
  return view.getBigUint64(0, true) ^ view.getBigUint64(8, true);
}
