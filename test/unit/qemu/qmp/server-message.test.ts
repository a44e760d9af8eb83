import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseServerMessage } from '../../../../src/qemu/qmp/message.js';

/** The greeting of a QEMU with this version. */
function greeting(major: number, minor: number, micro: number, built: string): string {
  return JSON.stringify({ QMP: { version: { qemu: { micro, minor, major }, package: built }, capabilities: ['oob'] } });
}

describe('parseServerMessage', () => {
  it.each([
    ['7.2.22 (Debian 1:7.2+dfsg-7)', greeting(7, 2, 22, 'Debian 1:7.2+dfsg-7')],
    ['7.2.22 (Debian 1:7.2+dfsg-7)', greeting(7, 2, 22, '(Debian 1:7.2+dfsg-7)')],
    ['10.0.0 (v10.0.0-rc1)', greeting(10, 0, 0, 'v10.0.0-rc1')],
    ['9.1.2', greeting(9, 1, 2, '')],
  ])('parses the version %s of a greeting', (version, text) => {
    expect(parseServerMessage(text)).toEqual({ kind: 'greeting', version });
  });

  it('parses an event', () => {
    const text = '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RTC_CHANGE", "data": {"offset": 0}}';
    expect(parseServerMessage(text)).toEqual({ kind: 'event', name: 'RTC_CHANGE', data: { offset: 0 } });
  });

  it('parses an event without data', () => {
    expect(parseServerMessage('{"event": "STOP"}')).toEqual({ kind: 'event', name: 'STOP', data: undefined });
  });

  it('parses a reply', () => {
    const text = '{"return": {"running": true}, "id": "libxl-1"}';
    expect(parseServerMessage(text)).toEqual({ kind: 'return', value: { running: true }, id: 'libxl-1' });
  });

  it('parses a reply with any value, and with any id or none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.option(fc.jsonValue(), { nil: undefined }), (value, id) => {
        expect(parseServerMessage(JSON.stringify({ return: value, id }))).toEqual(
          JSON.parse(JSON.stringify({ kind: 'return', value, id })),
        );
      }),
    );
  });

  it('parses an error reply', () => {
    const text = '{"id": 3, "error": {"class": "GenericError", "desc": "no"}}';
    expect(parseServerMessage(text)).toEqual({ kind: 'error', errorClass: 'GenericError', desc: 'no', id: 3 });
  });

  it('parses the error reply to an invalid command, which has no id', () => {
    const text = '{"error": {"class": "GenericError", "desc": "JSON parse error, stray x"}}';
    expect(parseServerMessage(text)).toMatchObject({ kind: 'error', id: undefined });
  });

  it.each([
    ['an empty text', ''],
    ['invalid JSON', '{"return": }'],
    ['a number', '7'],
    ['null', 'null'],
    ['an array', '[{"return": {}}]'],
    ['an object of another kind', '{"execute": "stop"}'],
    ['a greeting without a version', '{"QMP": {}}'],
    ['a greeting whose version is not a number', greeting(7, 2, 0, '').replace('7', '"7"')],
    ['an event without a name', '{"event": 1}'],
    ['an error without a class', '{"error": {"desc": "no"}}'],
    ['an error without a description', '{"error": {"class": "GenericError"}}'],
  ])('returns undefined for %s', (_what, text) => {
    expect(parseServerMessage(text)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseServerMessage(text)));
  });
});
