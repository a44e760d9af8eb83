/** What a proxy has to know of a toolstack's command: what it is, and its id to the letter. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCommand } from '../../../../src/qemu/qmp/message.js';

function idOf(text: string): string | undefined {
  return parseCommand(text)?.id;
}

describe('parseCommand', () => {
  it('reads a command', () => {
    expect(parseCommand('{"execute": "stop"}')).toEqual({
      execute: 'stop',
      arguments: {},
      id: undefined,
      outOfBand: false,
    });
  });

  it('reads its arguments', () => {
    const text = '{"execute":"xen-save-devices-state","id":7,"arguments":{"filename":"/dev/fdset/1","live":true}}';
    expect(parseCommand(text)).toEqual({
      execute: 'xen-save-devices-state',
      arguments: { filename: '/dev/fdset/1', live: true },
      id: '7',
      outOfBand: false,
    });
  });

  it('reads one that is to be executed out of its turn', () => {
    expect(parseCommand('{"exec-oob": "migrate-pause", "id": 1}')).toEqual({
      execute: 'migrate-pause',
      arguments: {},
      id: '1',
      outOfBand: true,
    });
  });

  it.each([
    ['a number beyond what JavaScript can count', '18446744073709551615'],
    ['a negative one', '-9223372036854775808'],
    ['a number as its writer wrote it', '1.50e+01'],
    ['a string', '"libxl-1"'],
    ['a string with escapes', '"a\\"\\\\\\u0041\\n"'],
    ['a string with braces, commas and colons', '"},{:,["'],
    ['a string with an apostrophe', '"it\'s"'],
    ['an object', '{ "a" : [1, {"id": 2}] , "b" : null }'],
    ['an empty object', '{}'],
    ['an array', '[ ]'],
    ['null', 'null'],
    ['a truth', 'true'],
  ])('keeps an id that is %s, to the letter', (_what, id) => {
    expect(idOf(`{"execute": "stop", "id": ${id}}`)).toBe(id);
    expect(idOf(`{"id":${id},"execute":"stop"}`)).toBe(id);
    expect(idOf(`{ "id" :\r\n ${id} , "execute" : "stop" }`)).toBe(id);
  });

  it.each([
    ['of the arguments', '{"execute": "qom-get", "arguments": {"id": 2}}', undefined],
    ['of the arguments, before its own', '{"arguments": {"id": 2}, "id": 1, "execute": "qom-get"}', '1'],
    ['of an array of the arguments', '{"execute": "x", "arguments": {"a": [{"id": 2}]}}', undefined],
    ['that is the name of a command', '{"execute": "id", "arguments": {"a": "id"}}', undefined],
    ['in the text of an argument', '{"execute": "x", "arguments": {"a": "\\"id\\": 2"}}', undefined],
  ])('does not take an id %s for it', (_what, text, id) => {
    expect(parseCommand(text)).toBeDefined();
    expect(idOf(text)).toBe(id);
  });

  it('knows its id by another spelling of the name', () => {
    expect(idOf('{"execute": "stop", "\\u0069d": 5}')).toBe('5');
  });

  it.each([
    ["{'execute': 'stop', 'id': 4}", 'stop', '4'],
    ["{'execute': 'it\\'s', 'id': 'a'}", "it's", '"a"'],
    ["{'execute': 'say \"hi\"', 'id': 'a\"b'}", 'say "hi"', '"a\\"b"'],
    ["{'execute': 'a\\\\b', 'id': 'a\\\\\\'b'}", 'a\\b', '"a\\\\\'b"'],
    ["{\"execute\": 'stop', 'id': \"it's\"}", 'stop', '"it\'s"'],
    ["{'execute': 'a\\nb\\u0041', 'id': '}'}", 'a\nbA', '"}"'],
  ])('reads %s: QEMU takes single quotes too', (text, execute, id) => {
    expect(parseCommand(text)).toMatchObject({ execute, id });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"execute": }'],
    ['an array', '[{"execute": "stop"}]'],
    ['an object that names no command', '{"id": 1}'],
    ['a command whose name is no string', '{"execute": 1}'],
    ['arguments that are no object', '{"execute": "stop", "arguments": 1}'],
    ['a string that does not end', '{"execute": "stop}'],
    ['single quotes that do not match', "{'execute': \"stop'}"],
  ])('takes %s for no command', (_what, text) => {
    expect(parseCommand(text)).toBeUndefined();
  });

  it('keeps any id to the letter, in any order of the members and with any space between', () => {
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
        const text = `{${space}${order.map((place) => members[place]).join(`${space},${space}`)}${space}}`;
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
