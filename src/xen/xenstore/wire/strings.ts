/**
 * Text in payloads: strings that each end in a zero byte.
 *
 * A value is the only thing that may hold anything, zeros included. Here it is UTF-8 where it is text; nearly everywhere it is ASCII.
 */
import { printable, StubferryError } from '../../../base/errors/index.js';
import { malformed } from './message.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `text` without an end. @throws StubferryError XENSTORE_INVALID for a zero in it, at which other programs would cut it off */
export function encodeText(text: string, where?: string): Uint8Array {
  if (!text.includes('\0')) return encoder.encode(text);
  throw new StubferryError('XENSTORE_INVALID', 'text for xenstore must not hold a zero byte', {
    where,
    expected: 'no U+0000; bytes may be written as such',
    found: JSON.stringify(printable(text, 80)),
  });
}

/** The text that `bytes` are; undefined when they are none. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Each string with its end, then `rest` as it is. */
export function encodeStrings(strings: readonly string[], rest: Uint8Array = new Uint8Array(0)): Uint8Array {
  const pieces = strings.map((text) => encodeText(text));
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length + 1, rest.length));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length + 1;
  }
  bytes.set(rest, at);
  return bytes;
}

/** The strings that `payload` consists of. @throws StubferryError XENSTORE_PROTOCOL when the last one does not end, or is no text */
export function decodeStrings(payload: Uint8Array): string[] {
  if (payload.length === 0) return [];
  const text = decodeText(payload);
  if (text === undefined) throw malformed('text', 'bytes that are no UTF-8');
  if (!text.endsWith('\0')) throw malformed('strings that end in a zero byte', JSON.stringify(printable(text, 80)));
  return text.slice(0, -1).split('\0');
}
