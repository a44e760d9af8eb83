/**
 * Text in payloads: strings that each end in a zero byte.
 *
 * Only a value may contain any bytes, zeros included. Text is encoded as UTF-8; nearly everywhere it is ASCII.
 */
import { printable, StubferryError } from '../../../base/errors/index.js';
import { malformed } from './message.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Encodes `text` without a terminating zero.
 * @throws StubferryError XENSTORE_INVALID: when the text contains a zero, where other programs would truncate it
 */
export function encodeText(text: string, where?: string): Uint8Array {
  if (!text.includes('\0')) return encoder.encode(text);
  throw new StubferryError('XENSTORE_INVALID', 'text for xenstore must not contain a zero byte', {
    where,
    expected: 'no U+0000; write such a value as bytes',
    found: JSON.stringify(printable(text, 80)),
  });
}

/** Decodes UTF-8; returns undefined when `bytes` are not valid UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Encodes each string with its terminating zero, followed by `rest`. */
export function encodeStrings(strings: readonly string[], rest: Uint8Array = new Uint8Array(0)): Uint8Array {
  const encoded = strings.map((text) => encodeText(text));
  const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length + 1, rest.length));
  let offset = 0;
  for (const text of encoded) {
    bytes.set(text, offset);
    offset += text.length + 1;
  }
  bytes.set(rest, offset);
  return bytes;
}

/**
 * Decodes the strings of a payload.
 * @throws StubferryError XENSTORE_PROTOCOL: when the last string does not end, or a string is not UTF-8
 */
export function decodeStrings(payload: Uint8Array): string[] {
  if (payload.length === 0) return [];
  const text = decodeText(payload);
  if (text === undefined) throw malformed('text', 'bytes that are not UTF-8');
  if (!text.endsWith('\0')) throw malformed('strings that end in a zero byte', JSON.stringify(printable(text, 80)));
  return text.slice(0, -1).split('\0');
}
