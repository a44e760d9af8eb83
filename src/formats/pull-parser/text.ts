/** Decodes text in a save file. */
import type { Cursor } from './pull-parser.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes UTF-8 without loss: encoding the text again results in the same bytes.
 *
 * @param offset of the bytes in the input, for the error
 * @throws StubferryError CORRUPT: when the bytes are not valid UTF-8
 */
export function utf8Text(cursor: Cursor, bytes: Uint8Array, offset: number): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw cursor.error('CORRUPT', 'a text is not valid UTF-8', {
      offset,
      expected: 'UTF-8',
      found: 'other bytes',
      cause,
    });
  }
}
