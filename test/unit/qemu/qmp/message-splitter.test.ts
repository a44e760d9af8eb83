import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageSplitter } from '../../../../src/qemu/qmp/message-splitter.js';
import {
  chunked,
  chunkLengths,
  gaps,
  messageTexts,
  piecesOf,
  shown,
  soup,
  wholeOf,
} from '../../../support/qmp/qmp-streams.js';

/** How a stream that comes at once is cut. */
function cut(text: string): string {
  return shown(piecesOf([Buffer.from(text, 'latin1')]));
}

describe('MessageSplitter', () => {
  it.each([
    ['a message', '{"execute": "stop"}', '<{"execute": "stop"}>'],
    ['objects in objects', '{"a": {"b": {}}}', '<{"a": {"b": {}}}>'],
    ['arrays', '{"a": [1, [2, {}]]}', '<{"a": [1, [2, {}]]}>'],
    ['an array, which QEMU parses before it refuses it', '[1, {"a": 2}]', '<[1, {"a": 2}]>'],
    ['two in a row', '{"a":1}{"b":2}', '<{"a":1}>|<{"b":2}>'],
    ['line ends between two', '{"a":1}\r\n{"b":2}\r\n', '<{"a":1}>|\r\n|<{"b":2}>|\r\n'],
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
    ['brackets that close in another order than they were opened: QEMU counts them apart', '{"a": [}]', '<{"a": [}]>'],
    ['a string of its own, with a brace in it', '"{" {"a":1}', '"{" |<{"a":1}>'],
    ['words that are no message', '(qemu) help', '(qemu) help'],
    ['nothing', '', ''],
  ])('finds %s', (_what, text, fragments) => {
    expect(cut(text)).toBe(fragments);
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
    ['a line end in a string of its own', '"x\n{"b":1}', '"x\n|<{"b":1}>'],
  ])('begins anew after %s, as QEMU does', (_what, text, fragments) => {
    expect(cut(text)).toBe(fragments);
    const oneByOne = piecesOf(chunked(Buffer.from(text, 'latin1'), [1]));
    expect(wholeOf(oneByOne)).toEqual(['{"b":1}']);
  });

  it('finds exactly the messages of a stream, however it is chunked', () => {
    const streams = fc.array(fc.tuple(gaps, messageTexts), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(streams, chunkLengths, (stream, lengths) => {
        const bytes = Buffer.from(stream.flat().join(''));
        const texts = stream.map(([, text]) => Buffer.from(text).toString('latin1'));
        expect(wholeOf(piecesOf(chunked(bytes, lengths)))).toEqual(texts);
      }),
    );
  });

  it('finds them at every boundary', () => {
    const text = '{"execute": "qom-get", "id": [1, "\\"}\u00e9"]}\r\n{\'a\': \'{\\\'"\'}{"b": {}}\r\n';
    const bytes = Buffer.from(text);
    const whole = wholeOf(piecesOf([bytes]));
    expect(whole).toHaveLength(3);
    for (let at = 0; at <= bytes.length; at += 1) {
      for (let then = at; then <= bytes.length; then += 1) {
        const chunks = [bytes.subarray(0, at), bytes.subarray(at, then), bytes.subarray(then)];
        expect(wholeOf(piecesOf(chunks))).toEqual(whole);
      }
    }
  });

  it('gives back every byte but those it holds, whatever they are and however they come', () => {
    const anything = fc.oneof(soup, fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(anything, chunkLengths, fc.integer({ min: 1, max: 40 }), (bytes, lengths, limit) => {
        const splitter = new MessageSplitter(limit);
        const fragments = chunked(bytes, lengths).flatMap((chunk) => splitter.push(chunk));
        const given = Buffer.concat(fragments.map((fragment) => fragment.bytes));
        expect(given.equals(bytes.subarray(0, bytes.length - splitter.heldBytes))).toBe(true);
      }),
    );
  });

  it('takes the same messages for whole in whatever chunks they come, of soup too', () => {
    fc.assert(
      fc.property(soup, chunkLengths, fc.integer({ min: 1, max: 40 }), (bytes, lengths, limit) => {
        expect(wholeOf(piecesOf(chunked(bytes, lengths), limit))).toEqual(wholeOf(piecesOf([bytes], limit)));
      }),
    );
  });

  it('keeps no view of a chunk that its reader uses again', () => {
    const splitter = new MessageSplitter(100);
    const buffer = Buffer.from('{"a": ');
    splitter.push(buffer);
    buffer.fill(0xee);
    expect(shown(splitter.push(Buffer.from('1}')))).toBe('<{"a": 1}>');
  });
});
