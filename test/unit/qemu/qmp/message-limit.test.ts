/** A client or a QEMU that never ends its message costs a bounded amount of memory, and loses no byte by it. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageSplitter } from '../../../../src/qemu/qmp/message-splitter.js';
import { chunked, chunkLengths, piecesOf, shown, soup } from '../../../support/qmp/qmp-streams.js';

const TEN = Buffer.from('{"a": 123}');
const ELEVEN = Buffer.from('{"a": 1234}');

describe('the limit of a MessageSplitter', () => {
  it('is the longest message that is whole', () => {
    expect(shown(piecesOf([TEN], 10))).toBe('<{"a": 123}>');
    expect(shown(piecesOf([ELEVEN], 10))).toBe('{"a": 1234}');
  });

  it.each([1, 2, 3, 7, 9])('is the same when the message comes %i bytes at a time', (length) => {
    expect(shown(piecesOf(chunked(TEN, [length]), 10))).toBe('<{"a": 123}>');
    expect(shown(piecesOf(chunked(ELEVEN, [length]), 10))).not.toContain('<');
  });

  it('lets what is beyond it pass as it comes', () => {
    const splitter = new MessageSplitter(4);
    expect(shown(splitter.push(Buffer.from('{"a"')))).toBe('');
    expect(shown(splitter.push(Buffer.from(':')))).toBe('{"a":');
    expect(shown(splitter.push(Buffer.from(' 1')))).toBe(' 1');
    expect(shown(splitter.push(Buffer.from('}')))).toBe('}');
  });

  it('says while a message passes that it does', () => {
    const splitter = new MessageSplitter(4);
    splitter.push(Buffer.from('{"a"'));
    expect(splitter.passingOn).toBe(false);
    splitter.push(Buffer.from(':'));
    expect(splitter.passingOn).toBe(true);
    splitter.push(Buffer.from('1}'));
    expect(splitter.passingOn).toBe(false);
  });

  it('is forgotten with the message: the next one is whole again', () => {
    const chunks = ['{"a": 12', '345}\r\n{"b":1}\r\n{"c": 12345', '67}', '{"d":2}'].map((text) => Buffer.from(text));
    expect(shown(piecesOf(chunks, 8))).toBe('{"a": 12345}|\r\n|<{"b":1}>|\r\n|{"c": 12345|67}|<{"d":2}>');
  });

  it('is forgotten with a message that the parser gave up', () => {
    const chunks = [Buffer.from('{"a": 12345678'), Buffer.from([0xff]), Buffer.from('{"b":1}')];
    expect(shown(piecesOf(chunks, 8))).toBe('{"a": 12345678|\u00ff|<{"b":1}>');
  });

  it('bounds what is held, always', () => {
    fc.assert(
      fc.property(soup, chunkLengths, fc.integer({ min: 1, max: 40 }), (bytes, lengths, limit) => {
        const splitter = new MessageSplitter(limit);
        for (const chunk of chunked(bytes, lengths)) {
          splitter.push(chunk);
          expect(splitter.heldBytes).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it('bounds what is held of a message without an end', () => {
    const splitter = new MessageSplitter(1000);
    let given = 0;
    for (let turn = 0; turn < 1000; turn += 1) {
      for (const { bytes } of splitter.push(Buffer.alloc(100, '{'))) given += bytes.length;
      expect(splitter.heldBytes).toBeLessThanOrEqual(1000);
    }
    expect(given + splitter.heldBytes).toBe(100_000);
  });
});
