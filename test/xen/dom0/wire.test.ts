import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameSplitter, frame, frames, PAYLOAD_LIMIT, TYPES } from './wire.js';

const aFrame = fc.record({
  type: fc.constantFrom(...TYPES),
  job: fc.nat(0xffff_ffff),
  payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

describe('frames between the tests and dom0', () => {
  it('are received as they were sent, wherever the chunks end', () => {
    fc.assert(
      fc.property(fc.array(aFrame), fc.integer({ min: 1, max: 50 }), (sent, chunk) => {
        const bytes = Buffer.concat(sent.map(({ type, job, payload }) => frame(type, job, payload)));
        const splitter = new FrameSplitter();
        const received = [];
        for (let at = 0; at < bytes.length; at += chunk)
          received.push(...splitter.split(bytes.subarray(at, at + chunk)));
        expect(received).toEqual(sent);
      }),
    );
  });

  it('transport any amount of data', () => {
    const data = Buffer.alloc(2 * PAYLOAD_LIMIT + 1, 7);
    const received = [...new FrameSplitter().split(Buffer.concat([...frames('stdout', 1, data)]))];
    expect(received.map(({ payload }) => payload.length)).toEqual([PAYLOAD_LIMIT, PAYLOAD_LIMIT, 1]);
    expect(Buffer.concat(received.map(({ payload }) => payload))).toEqual(data);
  });

  it.each([
    ['type', Buffer.from('ff0000000000000000', 'hex')],
    ['length', Buffer.from('000000000001000100', 'hex')],
  ])('with an invalid %s are rejected', (_what, bytes) => {
    expect(() => [...new FrameSplitter().split(bytes)]).toThrow('out of step');
  });
});
