/** The parts of a toolstack's command that a proxy needs: its name, its arguments, and the exact text of its id. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCommand } from '../../../../src/qemu/qmp/message.js';

function idOf(text: string): string | undefined {
  return parseCommand(text)?.id;
}

describe('parseCommand', () => {
  it('parses a command', () => {
    expect(parseCommand('{"execute": "stop"}')).toEqual({
      execute: 'stop',
      arguments: {},
      id: undefined,
      outOfBand: false,
    });
  });

  it('parses the arguments', () => {
    const text = '{"execute":"xen-save-devices-state","id":7,"arguments":{"filename":"/dev/fdset/1","live":true}}';
    expect(parseCommand(text)).toEqual({
      execute: 'xen-save-devices-state',
      arguments: { filename: '/dev/fdset/1', live: true },
      id: '7',
      outOfBand: false,
    });
  });

  it('parses an out-of-band command', () => {
    expect(parseCommand('{"exec-oob": "migrate-pause", "id": 1}')).toEqual({
      execute: 'migrate-pause',
      arguments: {},
      id: '1',
      outOfBand: true,
    });
  });

  it.each([
    ['a number that JavaScript cannot represent', '18446744073709551615'],
    ['a negative number', '-9223372036854775808'],
    ['a number in exponent notation', '1.50e+01'],
    ['a string', '"libxl-1"'],
    ['a string with escapes', '"a\\"\\\\\\u0041\\n"'],
    ['a string with braces, commas and colons', '"},{:,["'],
    ['a string with an apostrophe', '"it\'s"'],
    ['an object', '{ "a" : [1, {"id": 2}] , "b" : null }'],
    ['an empty object', '{}'],
    ['an array', '[ ]'],
    ['null', 'null'],
    ['a boolean', 'true'],
  ])('keeps the exact text of an id that is %s', (_what, id) => {
    expect(idOf(`{"execute": "stop", "id": ${id}}`)).toBe(id);
    expect(idOf(`{"id":${id},"execute":"stop"}`)).toBe(id);
    expect(idOf(`{ "id" :\r\n ${id} , "execute" : "stop" }`)).toBe(id);
  });

  it.each([
    ['in the arguments', '{"execute": "qom-get", "arguments": {"id": 2}}', undefined],
    ["in the arguments, before the command's own id", '{"arguments": {"id": 2}, "id": 1, "execute": "qom-get"}', '1'],
    ['in an array of the arguments', '{"execute": "x", "arguments": {"a": [{"id": 2}]}}', undefined],
    ['that is the value of a member', '{"execute": "id", "arguments": {"a": "id"}}', undefined],
    ['in the text of an argument', '{"execute": "x", "arguments": {"a": "\\"id\\": 2"}}', undefined],
  ])("does not take an id %s for the command's id", (_what, text, id) => {
    expect(parseCommand(text)).toBeDefined();
    expect(idOf(text)).toBe(id);
  });

  it('finds the id when its name contains an escape', () => {
    expect(idOf('{"execute": "stop", "\\u0069d": 5}')).toBe('5');
  });

  it.each([
    ["{'execute': 'stop', 'id': 4}", 'stop', '4'],
    ["{'execute': 'it\\'s', 'id': 'a'}", "it's", '"a"'],
    ["{'execute': 'say \"hi\"', 'id': 'a\"b'}", 'say "hi"', '"a\\"b"'],
    ["{'execute': 'a\\\\b', 'id': 'a\\\\\\'b'}", 'a\\b', '"a\\\\\'b"'],
    ["{\"execute\": 'stop', 'id': \"it's\"}", 'stop', '"it\'s"'],
    ["{'execute': 'a\\nb\\u0041', 'id': '}'}", 'a\nbA', '"}"'],
  ])('parses %s: QEMU accepts single quotes too', (text, execute, id) => {
    expect(parseCommand(text)).toMatchObject({ execute, id });
  });

  it.each([
    ['an empty text', ''],
    ['invalid JSON', '{"execute": }'],
    ['an array', '[{"execute": "stop"}]'],
    ['an object without a command name', '{"id": 1}'],
    ['a command whose name is not a string', '{"execute": 1}'],
    ['arguments that are not an object', '{"execute": "stop", "arguments": 1}'],
    ['an unterminated string', '{"execute": "stop}'],
    ['quotes that do not match', "{'execute': \"stop'}"],
  ])('returns undefined for %s', (_what, text) => {
    expect(parseCommand(text)).toBeUndefined();
  });

  it('keeps the exact text of any id, in any order of the members and with any white space', () => {
    const ids = fc.oneof(
      fc.bigInt().map(String),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.jsonValue().map((value) => JSON.stringify(value, undefined, 1)),
    );
    const spaces = fc.constantFrom('', ' ', '\r\n', '\t ');
    const orders = fc.constantFrom([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]);
    const args = fc.dictionary(fc.constantFrom('id', 'execute', 'a'), fc.jsonValue());
    fc.assert(
      fc.property(ids, args, orders, spaces, (id, values, order, space) => {
        const members = [`"execute"${space}:"qom-get"`, `"arguments":${JSON.stringify(values)}`, `"id":${space}${id}`];
        const text = `{${space}${order.map((index) => members[index]).join(`${space},${space}`)}${space}}`;
        expect(parseCommand(text)).toMatchObject({ execute: 'qom-get', id, outOfBand: false });
      }),
    );
  });

  it('never throws', () => {
    const scraps = fc
      .array(fc.constantFrom('{', '}', '"', "'", ':', ',', '"id"', '"execute"', '\\', '1', '[', ']', ' '))
      .map((tokens) => tokens.join(''));
    fc.assert(fc.property(fc.oneof(scraps, fc.json()), (text) => void parseCommand(text)));
  });
});
