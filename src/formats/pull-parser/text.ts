/** Text in a container. */
import type { Cursor } from './pull-parser.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that these bytes are, so that encoding it gives them again. @throws StubferryError CORRUPT when they are no UTF-8 */
export function utf8Text(cursor: Cursor, bytes: Uint8Array, offset: number): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw cursor.error('CORRUPT', 'a text is no UTF-8', { offset, expected: 'UTF-8', found: 'other bytes', cause });
  }
}
