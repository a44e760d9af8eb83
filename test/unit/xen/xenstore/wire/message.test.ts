import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  encodeMessage,
  MESSAGE_TYPES,
  type Message,
  type MessageType,
} from '../../../../../src/xen/xenstore/wire/message.js';
import { MessageReader } from '../../../../../src/xen/xenstore/wire/message-reader.js';
import { errorOf } from '../../../../support/protocol/error-of.js';
import { chunked } from '../../../../support/qmp/qmp-streams.js';
import { messageOf } from '../../../../support/xenstore/raw-request.js';

const u32s = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 0xffffffff }));
const messages: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom(...(Object.keys(MESSAGE_TYPES) as MessageType[])),
  requestId: u32s,
  transactionId: u32s,
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 4000, maxLength: 4096, size: 'max' }),
    fc.constant(new Uint8Array(4096).fill(7)),
  ),
});
const chunkLengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5000 })), {
  minLength: 1,
  maxLength: 6,
});

/** Returns a message with its payload as text, because comparing bytes takes long. */
function shown({ payload, ...header }: Message): object {
  return { ...header, payload: Buffer.from(payload).toString('latin1') };
}

/** Returns the messages that a reader finds. */
function readFrom(chunks: readonly Uint8Array[]): object[] {
  const reader = new MessageReader();
  return chunks.flatMap((chunk) => [...reader.push(chunk)]).map(shown);
}

describe('a message of xenstore', () => {
  it('has the layout of xs_wire.h', () => {
    const message = { type: 'WRITE', requestId: 0x01020304, transactionId: 5, payload: Buffer.from('/a\0b') } as const;
    expect(Buffer.from(encodeMessage(message)).toString('hex')).toBe(
      '0b000000' + '04030201' + '05000000' + '04000000' + '2f610062',
    );
  });

  it('is decoded as it was encoded, from chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 5 }), chunkLengths, (stream, lengths) => {
        const bytes = Buffer.concat(stream.map(encodeMessage));
        expect(readFrom([bytes])).toEqual(stream.map(shown));
        expect(readFrom(chunked(bytes, lengths))).toEqual(stream.map(shown));
        expect(readFrom(chunked(bytes, [1]))).toEqual(stream.map(shown));
      }),
    );
  });

  it('contains no view of the chunk, which the caller may reuse', () => {
    const reader = new MessageReader();
    const chunk = Buffer.from(
      encodeMessage({ type: 'READ', requestId: 1, transactionId: 0, payload: Buffer.from('value') }),
    );
    const [message] = [...reader.push(chunk)];
    chunk.fill(0xee);
    expect(Buffer.from(message?.payload ?? []).toString()).toBe('value');
  });

  it.each([
    ['of an unknown type', messageOf(18, 1, 0, ''), 'a message of a known type', 'type 18'],
    [
      'longer than the protocol allows',
      messageOf(2, 1, 0, 'x'.repeat(4097)),
      'a payload of at most 4096 bytes',
      '4097 bytes',
    ],
  ])(
    '%s is rejected as soon as its header is complete, and the messages before it are returned',
    (_what, bad, expected, found) => {
      const good = messageOf(2, 1, 0, 'value');
      for (const lengths of [[100_000], [1], [16], [7, 3]]) {
        const reader = new MessageReader();
        const read: Message[] = [];
        const work = (): void => {
          for (const chunk of chunked(Buffer.concat([good, bad.subarray(0, 16)]), lengths)) {
            for (const message of reader.push(chunk)) read.push(message);
          }
        };
        expect(errorOf(work)).toMatchObject({
          code: 'XENSTORE_PROTOCOL',
          message: 'invalid message from xenstored',
          details: { expected, found },
        });
        expect(read).toHaveLength(1);
      }
    },
  );

  it('is decoded or rejected in the same way for any chunk sizes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), chunkLengths, (bytes, lengths) => {
        const outcome = (chunks: readonly Uint8Array[]): unknown => {
          try {
            return readFrom(chunks);
          } catch (error) {
            return error;
          }
        };
        expect(outcome(chunked(bytes, lengths))).toEqual(outcome([bytes]));
      }),
    );
  });
});
