/** A message without an end needs a bounded amount of memory, and none of its bytes are lost. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageSplitter } from '../../../../src/qemu/qmp/message-splitter.js';
import { chunked, chunkLengths, fragmentsOf, randomTokens, shown } from '../../../support/qmp/qmp-streams.js';

const TEN = Buffer.from('{"a": 123}');
const ELEVEN = Buffer.from('{"a": 1234}');

describe('the limit of a MessageSplitter', () => {
  it('is the length of the longest message that is returned whole', () => {
    expect(shown(fragmentsOf([TEN], 10))).toBe('<{"a": 123}>');
    expect(shown(fragmentsOf([ELEVEN], 10))).toBe('{"a": 1234}');
  });

  it.each([1, 2, 3, 7, 9])('is the same when the message arrives %i bytes at a time', (length) => {
    expect(shown(fragmentsOf(chunked(TEN, [length]), 10))).toBe('<{"a": 123}>');
    expect(shown(fragmentsOf(chunked(ELEVEN, [length]), 10))).not.toContain('<');
  });

  it('makes the splitter return an oversized message as it arrives', () => {
    const splitter = new MessageSplitter(4);
    expect(shown(splitter.push(Buffer.from('{"a"')))).toBe('');
    expect(shown(splitter.push(Buffer.from(':')))).toBe('{"a":');
    expect(shown(splitter.push(Buffer.from(' 1')))).toBe(' 1');
    expect(shown(splitter.push(Buffer.from('}')))).toBe('}');
  });

  it('sets passingOn while an oversized message is returned', () => {
    const splitter = new MessageSplitter(4);
    splitter.push(Buffer.from('{"a"'));
    expect(splitter.passingOn).toBe(false);
    splitter.push(Buffer.from(':'));
    expect(splitter.passingOn).toBe(true);
    splitter.push(Buffer.from('1}'));
    expect(splitter.passingOn).toBe(false);
  });

  it('applies to each message separately: the next one is whole again', () => {
    const chunks = ['{"a": 12', '345}\r\n{"b":1}\r\n{"c": 12345', '67}', '{"d":2}'].map((text) => Buffer.from(text));
    expect(shown(fragmentsOf(chunks, 8))).toBe('{"a": 12345}|\r\n|<{"b":1}>|\r\n|{"c": 12345|67}|<{"d":2}>');
  });

  it('applies again after a message that the parser has discarded', () => {
    const chunks = [Buffer.from('{"a": 12345678'), Buffer.from([0xff]), Buffer.from('{"b":1}')];
    expect(shown(fragmentsOf(chunks, 8))).toBe('{"a": 12345678|\u00ff|<{"b":1}>');
  });

  it('bounds the held bytes, for any input', () => {
    fc.assert(
      fc.property(randomTokens, chunkLengths, fc.integer({ min: 1, max: 40 }), (bytes, lengths, limit) => {
        const splitter = new MessageSplitter(limit);
        for (const chunk of chunked(bytes, lengths)) {
          splitter.push(chunk);
          expect(splitter.heldBytes).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it('bounds the held bytes of a message without an end', () => {
    const splitter = new MessageSplitter(1000);
    let returned = 0;
    for (let turn = 0; turn < 1000; turn += 1) {
      for (const { bytes } of splitter.push(Buffer.alloc(100, '{'))) returned += bytes.length;
      expect(splitter.heldBytes).toBeLessThanOrEqual(1000);
    }
    expect(returned + splitter.heldBytes).toBe(100_000);
  });
});
