/** Arbitrary QMP streams, and the chunks in which they may arrive. */
import fc from 'fast-check';
import { type Fragment, MessageSplitter } from '../../../src/qemu/qmp/message-splitter.js';

/** Bytes that are tokens of JSON, in random order: hardly ever a message. */
export const randomTokens: fc.Arbitrary<Buffer> = fc
  .array(fc.constantFrom('{', '}', '[', ']', '"', "'", '\\', ':', ',', 'a', '1', ' ', '\n', '\u0001', '\u00ff'), {
    maxLength: 80,
  })
  .map((characters) => Buffer.from(characters.join(''), 'latin1'));

/** A valid message. */
export const messageTexts: fc.Arbitrary<string> = fc
  .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }), { maxKeys: 4 })
  .map((value) => JSON.stringify(value));

/** The bytes between two messages. */
export const gaps: fc.Arbitrary<string> = fc.constantFrom('', '\r\n', '\n', ' ', '\r\n\r\n');

/** The lengths of the chunks of a stream, used cyclically. */
export const chunkLengths: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 20 }), {
  minLength: 1,
  maxLength: 6,
});

/** Splits `bytes` into chunks of these lengths. */
export function chunked(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

/** The fragments that a splitter returns for the chunks. */
export function fragmentsOf(chunks: readonly Uint8Array[], limit = 1_000_000): Fragment[] {
  const splitter = new MessageSplitter(limit);
  return chunks.flatMap((chunk) => splitter.push(chunk));
}

/** The texts of the fragments that are whole messages. */
export function wholeOf(fragments: readonly Fragment[]): string[] {
  return fragments.filter(({ whole }) => whole).map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
}

/** The text of all fragments, with `<>` around whole messages. */
export function shown(fragments: readonly Fragment[]): string {
  return fragments
    .map(({ whole, bytes }) => {
      const text = Buffer.from(bytes).toString('latin1');
      return whole ? `<${text}>` : text;
    })
    .join('|');
}
