import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageSplitter } from '../../../../src/qemu/qmp/message-splitter.js';
import {
  chunked,
  chunkLengths,
  fragmentsOf,
  gaps,
  messageTexts,
  randomTokens,
  shown,
  wholeOf,
} from '../../../support/qmp/qmp-streams.js';

/** The fragments of a stream that arrives as one chunk. */
function split(text: string): string {
  return shown(fragmentsOf([Buffer.from(text, 'latin1')]));
}

describe('MessageSplitter', () => {
  it.each([
    ['a message', '{"execute": "stop"}', '<{"execute": "stop"}>'],
    ['objects in objects', '{"a": {"b": {}}}', '<{"a": {"b": {}}}>'],
    ['arrays', '{"a": [1, [2, {}]]}', '<{"a": [1, [2, {}]]}>'],
    ['an array, which QEMU parses before it refuses it', '[1, {"a": 2}]', '<[1, {"a": 2}]>'],
    ['two adjacent messages', '{"a":1}{"b":2}', '<{"a":1}>|<{"b":2}>'],
    ['line ends between two messages', '{"a":1}\r\n{"b":2}\r\n', '<{"a":1}>|\r\n|<{"b":2}>|\r\n'],
    ['braces in a string', '{"a": "}{"}', '<{"a": "}{"}>'],
    ['brackets in a string', '{"a": "]["}', '<{"a": "]["}>'],
    ['an escaped quote', '{"a": "\\"}"}', '<{"a": "\\"}"}>'],
    ['an escaped backslash before a quote', '{"a": "\\\\"}', '<{"a": "\\\\"}>'],
    ['strings in single quotes', "{'a': '}'}", "<{'a': '}'}>"],
    ['a double quote within single ones', "{'a': '\"}'}", "<{'a': '\"}'}>"],
    ['a single quote within double ones', '{"a": "it\'s}"}', '<{"a": "it\'s}"}>'],
    ['an escaped single quote', "{'a': '\\'}'}", "<{'a': '\\'}'}>"],
    ['a line end in a message', '{\r\n"a":\r\n1}', '<{\r\n"a":\r\n1}>'],
    ['bytes beyond ASCII', '{"a": "\u00c3\u00a9\u00fe"}', '<{"a": "\u00c3\u00a9\u00fe"}>'],
    ['brackets that close in the wrong order: QEMU counts braces and brackets separately', '{"a": [}]', '<{"a": [}]>'],
    ['a string between messages, with a brace in it', '"{" {"a":1}', '"{" |<{"a":1}>'],
    ['text that is not a message', '(qemu) help', '(qemu) help'],
    ['an empty stream', '', ''],
  ])('finds %s', (_what, text, fragments) => {
    expect(split(text)).toBe(fragments);
  });

  it.each([
    ['0xff', '{"a": \u00ff{"b":1}', '{"a": \u00ff|<{"b":1}>'],
    ['0xff in a string', '{"a": "x\u00ff{"b":1}', '{"a": "x\u00ff|<{"b":1}>'],
    ['a line end in a string', '{"a": "x\n{"b":1}', '{"a": "x\n|<{"b":1}>'],
    ['another control character in a string', '{"a": "x\u0001{"b":1}', '{"a": "x\u0001|<{"b":1}>'],
    ['a control character after a backslash', '{"a": "x\\\n{"b":1}', '{"a": "x\\\n|<{"b":1}>'],
    ['a brace too many', '}{"b":1}', '}|<{"b":1}>'],
    ['a bracket too many', ']{"b":1}', ']|<{"b":1}>'],
    ['a bracket that closes nothing in a message', '{"a": ]{"b":1}', '{"a": ]|<{"b":1}>'],
    ['a brace that closes nothing in an array', '[}{"b":1}', '[}|<{"b":1}>'],
    ['0xff between messages', '\u00ff{"b":1}', '\u00ff|<{"b":1}>'],
    ['a line end in a string between messages', '"x\n{"b":1}', '"x\n|<{"b":1}>'],
  ])('restarts after %s, as QEMU does', (_what, text, fragments) => {
    expect(split(text)).toBe(fragments);
    const oneByOne = fragmentsOf(chunked(Buffer.from(text, 'latin1'), [1]));
    expect(wholeOf(oneByOne)).toEqual(['{"b":1}']);
  });

  it('finds exactly the messages of a stream, in any chunks', () => {
    const streams = fc.array(fc.tuple(gaps, messageTexts), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(streams, chunkLengths, (stream, lengths) => {
        const bytes = Buffer.from(stream.flat().join(''));
        const texts = stream.map(([, text]) => Buffer.from(text).toString('latin1'));
        expect(wholeOf(fragmentsOf(chunked(bytes, lengths)))).toEqual(texts);
      }),
    );
  });

  it('finds the messages with chunk boundaries at every position', () => {
    const text = '{"execute": "qom-get", "id": [1, "\\"}\u00e9"]}\r\n{\'a\': \'{\\\'"\'}{"b": {}}\r\n';
    const bytes = Buffer.from(text);
    const whole = wholeOf(fragmentsOf([bytes]));
    expect(whole).toHaveLength(3);
    for (let at = 0; at <= bytes.length; at += 1) {
      for (let then = at; then <= bytes.length; then += 1) {
        const chunks = [bytes.subarray(0, at), bytes.subarray(at, then), bytes.subarray(then)];
        expect(wholeOf(fragmentsOf(chunks))).toEqual(whole);
      }
    }
  });

  it('returns every byte that it does not hold, for any input in any chunks', () => {
    const anything = fc.oneof(randomTokens, fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(anything, chunkLengths, fc.integer({ min: 1, max: 40 }), (bytes, lengths, limit) => {
        const splitter = new MessageSplitter(limit);
        const fragments = chunked(bytes, lengths).flatMap((chunk) => splitter.push(chunk));
        const returned = Buffer.concat(fragments.map((fragment) => fragment.bytes));
        expect(returned.equals(bytes.subarray(0, bytes.length - splitter.heldBytes))).toBe(true);
      }),
    );
  });

  it('finds the same messages in any chunks, for random JSON tokens too', () => {
    fc.assert(
      fc.property(randomTokens, chunkLengths, fc.integer({ min: 1, max: 40 }), (bytes, lengths, limit) => {
        expect(wholeOf(fragmentsOf(chunked(bytes, lengths), limit))).toEqual(wholeOf(fragmentsOf([bytes], limit)));
      }),
    );
  });

  it('keeps no view of a chunk, because the caller reuses it', () => {
    const splitter = new MessageSplitter(100);
    const buffer = Buffer.from('{"a": ');
    splitter.push(buffer);
    buffer.fill(0xee);
    expect(shown(splitter.push(Buffer.from('1}')))).toBe('<{"a": 1}>');
  });
});
