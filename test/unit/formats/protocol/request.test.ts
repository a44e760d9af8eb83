import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import {
  type DiskReply,
  decodeDiskRequest,
  decodePreAttachment,
  decodeReply,
  encodeDiskRequest,
  encodePreAttachment,
  encodeReply,
  nonceOf,
} from '../../../../src/formats/protocol/request.js';
import { errorOf } from '../../../support/protocol/error-of.js';

const WHERE = '/local/domain/7/data/stubferry/request';
const NONCE = '0f0e0d0c-0b0a-4908-8706-050403020100';
const TRANSFER = '5f1ac4ae-1234-4abc-8def-000000000001';

const uuid = fc.uuid().map((text) => text.toLowerCase());

describe('a request', () => {
  it('has three fields', () => {
    expect(encodeDiskRequest({ direction: 'save', nonce: NONCE })).toBe(`stubferry/1 save ${NONCE}`);
  });

  it('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(fc.constantFrom('save' as const, 'restore' as const), uuid, (direction, nonce) => {
        const request = { direction, nonce };
        expect(decodeDiskRequest(encodeDiskRequest(request), WHERE)).toEqual(request);
      }),
    );
  });

  it.each([
    ['', '""'],
    ['save', '"save"'],
    [`stubferry/1 migrate ${NONCE}`, `"stubferry/1 migrate ${NONCE}"`],
    ['stubferry/1 save', '"stubferry/1 save"'],
    ['stubferry/1 save ../../etc', '"stubferry/1 save ../../etc"'],
    [`stubferry/1 save ${NONCE} more`, `"stubferry/1 save ${NONCE} more"`],
    ['\u001b[2J', '"\\\\u{1b}[2J"'],
  ])('is rejected when it is %j, and reported with terminal escapes escaped', (text, found) => {
    const error = errorOf(() => decodeDiskRequest(text, WHERE));
    expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION', details: { where: WHERE, found } });
  });

  it('is rejected with both versions when its version is another one', () => {
    expect(errorOf(() => decodeDiskRequest(`stubferry/2 save ${NONCE}`, WHERE))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      details: { expected: 'stubferry/1', found: 'stubferry/2' },
    });
  });

  it('is rejected before it is parsed when it exceeds 1024 bytes', () => {
    expect(errorOf(() => decodeDiskRequest('é'.repeat(513), WHERE))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { expected: 'at most 1024 bytes', found: '1026 bytes' },
    });
  });

  it('is decoded or rejected with a typed error for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        try {
          decodeDiskRequest(text, WHERE);
        } catch (error) {
          expect(error).toBeInstanceOf(StubferryError);
        }
      }),
    );
  });

  it('has a nonce that can be read in any version', () => {
    expect(nonceOf(`stubferry/9 anything ${NONCE} more`)).toBe(NONCE);
    expect(nonceOf('stubferry/9 anything else')).toBeUndefined();
  });
});

describe('a reply', () => {
  it('of an attached disk is the same after encoding and decoding, for any device', () => {
    const device = fc.string({ unit: 'grapheme', maxLength: 100 }).map((name) => `/dev/${name}`);
    fc.assert(
      fc.property(uuid, uuid, device, (nonce, transferUuid, name) => {
        const reply: DiskReply = { verdict: 'attached', nonce, transferUuid, device: name };
        expect(decodeReply(encodeReply(reply), WHERE)).toEqual(reply);
      }),
    );
  });

  it('of a refusal keeps its code, and truncates the reason to the available length', () => {
    fc.assert(
      fc.property(uuid, fc.string({ unit: 'binary', maxLength: 3000 }), (nonce, reason) => {
        const text = encodeReply({ verdict: 'refused', nonce, code: 'TOO_BUSY', reason });
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024);
        expect(decodeReply(text, WHERE)).toMatchObject({ verdict: 'refused', nonce, code: 'TOO_BUSY' });
      }),
    );
  });

  it('of a refusal with a short reason is the same after encoding and decoding', () => {
    const reply: DiskReply = { verdict: 'refused', nonce: NONCE, code: 'TOO_BUSY', reason: 'at most 16, and no more' };
    expect(decodeReply(encodeReply(reply), WHERE)).toEqual(reply);
  });

  it.each([
    `stubferry/1 attached ${NONCE} ${TRANSFER}`,
    `stubferry/1 attached ${NONCE} ${TRANSFER} xvdz`,
    `stubferry/1 attached ${NONCE} transfer /dev/xvdz`,
    'stubferry/1 refused nonce TOO_BUSY sentence',
    `stubferry/1 perhaps ${NONCE} ${TRANSFER} /dev/xvdz`,
  ])('is rejected when it is %j', (text) => {
    expect(errorOf(() => decodeReply(text, WHERE))).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  });
});

describe('the announcement of a pre-attached disk', () => {
  it('is the same after encoding and decoding, for any device', () => {
    const device = fc.string({ unit: 'grapheme', maxLength: 100 }).map((name) => `/dev/${name}`);
    fc.assert(
      fc.property(uuid, device, (transferUuid, name) => {
        const preAttachment = { transferUuid, device: name };
        expect(decodePreAttachment(encodePreAttachment(preAttachment), WHERE)).toEqual(preAttachment);
      }),
    );
  });

  it.each(['stubferry/1 offered', `stubferry/1 offered ${TRANSFER}`, `stubferry/1 offered ${TRANSFER} xvdz`])(
    'is rejected when it is %j',
    (text) => {
      expect(errorOf(() => decodePreAttachment(text, WHERE))).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
    },
  );
});
