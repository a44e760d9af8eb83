import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { looksLikeDump, readVmstateDump } from '../../../../src/formats/qevm/index.js';
import { errorOf } from '../../../support/protocol/error-of.js';
import { fixtureBytes } from '../../../support/qevm/all-states.js';

const REAL = fixtureBytes('vmstate-dumps/pc-i440fx-7.2.json.gz');
const readText = (text: string): unknown => readVmstateDump(Buffer.from(text), '/dump');

describe('a dump of vmstate', () => {
  it('is recognized by its first bytes', () => {
    expect(looksLikeDump(REAL)).toBe(true);
    expect(looksLikeDump(Buffer.from('{"vmschkmachine": {}}'))).toBe(true);
    expect(looksLikeDump(Buffer.from('{"page_size": 4096}'))).toBe(false);
    expect(looksLikeDump(Buffer.from('QEVM'))).toBe(false);
  });

  it('contains the versions of each device, by the name of its section', () => {
    const { machine, devices } = readVmstateDump(REAL, '/dump');
    expect(machine).toBe('pc-i440fx-7.2');
    expect(
      devices
        .get('e1000')
        ?.map(({ type }) => type)
        .sort(),
    ).toEqual(['e1000', 'e1000-82544gc', 'e1000-82545em']);
    expect(devices.get('mc146818rtc')).toEqual([{ type: 'mc146818rtc', version: 3, minimum: 1 }]);
    expect(devices.get('usb-ptr')?.length).toBeGreaterThan(1);
  });

  it('contains the subsections of each struct, including nested structs', () => {
    const { subsections } = readVmstateDump(REAL, '/dump');
    expect([...(subsections.get('serial')?.keys() ?? [])]).toContain('serial/poll');
    expect([...(subsections.get('ide_drive')?.keys() ?? [])]).toContain('ide_drive/pio_state');
  });
});

describe('a dump is refused', () => {
  it.each([
    ['that is not JSON', '{"vmschkmachine"', 'the dump of vmstate is not JSON'],
    ['that names no machine', '{}', 'the dump of vmstate is invalid at vmschkmachine'],
    ['with an invalid device', '{"vmschkmachine": {"Name": "pc"}, "a": 5}', 'the dump of vmstate is invalid at a'],
    [
      'with an invalid version',
      '{"vmschkmachine": {"Name": "pc"}, "a": {"Description": {"name": "a", "version_id": -1}}}',
      'the dump of vmstate is invalid at a.Description.version_id',
    ],
  ])('%s', (_, text, message) => {
    expect(errorOf(() => readText(text))).toMatchObject({ code: 'NOT_A_DESTINATION', message });
  });

  it('that is nested too deeply, before it is parsed', () => {
    expect(errorOf(() => readText('['.repeat(100_000)))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { where: '/dump', expected: 'at most 256 levels', found: '100000' },
    });
  });

  it('with a typed error, whatever it contains', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          readText(text);
        } catch (error) {
          expect(error).toBeInstanceOf(StubferryError);
        }
      }),
    );
  });
});
