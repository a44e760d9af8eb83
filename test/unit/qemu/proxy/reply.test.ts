/** The reply that a toolstack receives to a save: one line, which libxl logs and `xl` prints for the user. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { errorReply, successReply } from '../../../../src/qemu/proxy/reply.js';

const ERROR = new StubferryError('DESTINATION_FULL', 'cannot write the destination: ENOSPC', {
  where: '/var/lib/xen/qemu-save.7',
  expected: 'room',
  found: 'ENOSPC',
  hint: 'make room',
});

describe('the reply of the proxy', () => {
  it("to a successful save is the same as QEMU's", () => {
    expect(successReply('7')).toBe('{"return": {}, "id": 7}\r\n');
    expect(successReply(undefined)).toBe('{"return": {}}\r\n');
  });

  it('to a failed save contains the message, the code, where, expected, found and the hint', () => {
    expect(errorReply(ERROR, '"libxl-1"')).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: cannot write the destination: ENOSPC [DESTINATION_FULL]; ' +
        'at /var/lib/xen/qemu-save.7; expected room; found ENOSPC; make room"}, "id": "libxl-1"}\r\n',
    );
  });

  it('omits absent details', () => {
    expect(errorReply(new StubferryError('PEER_DEAD', 'gone'), undefined)).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: gone [PEER_DEAD]"}}\r\n',
    );
  });

  it('is one line of printable text, whatever the error contains', () => {
    const error = new StubferryError('PEER_ABORTED', 'a\r\nb\u001b[2J\u202e"\\', { found: '\u0000' });
    expect(errorReply(error, undefined)).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: a\\\\u{d}\\\\u{a}b\\\\u{1b}[2J\\\\u{202e}\\"\\\\ [PEER_ABORTED]; ' +
        'found \\\\u{0}"}}\r\n',
    );
  });

  it('is JSON on one line of bounded length, for any error', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ minLength: 1000, maxLength: 5000, unit: 'binary' }),
    );
    fc.assert(
      fc.property(texts, texts, texts, (message, where, hint) => {
        const text = errorReply(new StubferryError('DISK_IO', message, { where, hint }), '1');
        expect(text.slice(0, -2)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(text.endsWith('\r\n')).toBe(true);
        expect(text.length).toBeLessThan(10_000);
        expect(JSON.parse(text)).toMatchObject({ error: { class: 'GenericError' }, id: 1 });
      }),
    );
  });

  it('keeps the exact text of the id', () => {
    const ids = fc.oneof(fc.bigInt().map(String), fc.json());
    fc.assert(
      fc.property(ids, (id) => {
        expect(successReply(id)).toBe(`{"return": {}, "id": ${id}}\r\n`);
        expect(errorReply(ERROR, id).endsWith(`, "id": ${id}}\r\n`)).toBe(true);
      }),
    );
  });
});
