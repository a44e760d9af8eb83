/** What may come over a monitor's socket, and the pieces in which it may come. */
import fc from 'fast-check';
import { type Fragment, MessageSplitter } from '../../../src/qemu/qmp/message-splitter.js';

/** Bytes that mean something to a JSON parser, in any order: hardly ever a message. */
export const soup: fc.Arbitrary<Buffer> = fc
  .array(fc.constantFrom('{', '}', '[', ']', '"', "'", '\\', ':', ',', 'a', '1', ' ', '\n', '\u0001', '\u00ff'), {
    maxLength: 80,
  })
  .map((characters) => Buffer.from(characters.join(''), 'latin1'));

/** A message as a program writes it. */
export const messageTexts: fc.Arbitrary<string> = fc
  .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }), { maxKeys: 4 })
  .map((value) => JSON.stringify(value));

/** What may stand between two. */
export const gaps: fc.Arbitrary<string> = fc.constantFrom('', '\r\n', '\n', ' ', '\r\n\r\n');

/** Lengths of the chunks that something comes in; again from the first when they are used up. */
export const chunkLengths: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 20 }), {
  minLength: 1,
  maxLength: 6,
});

/** `bytes` in chunks of these lengths. */
export function chunked(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

/** What a splitter makes of chunks. */
export function piecesOf(chunks: readonly Uint8Array[], limit = 1_000_000): Fragment[] {
  const splitter = new MessageSplitter(limit);
  return chunks.flatMap((chunk) => splitter.push(chunk));
}

/** The text of the pieces that are whole messages. */
export function wholeOf(fragments: readonly Fragment[]): string[] {
  return fragments.filter(({ whole }) => whole).map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
}

/** The text of all pieces, what is whole in `<>`. */
export function shown(fragments: readonly Fragment[]): string {
  return fragments
    .map(({ whole, bytes }) => {
      const text = Buffer.from(bytes).toString('latin1');
      return whole ? `<${text}>` : text;
    })
    .join('|');
}
