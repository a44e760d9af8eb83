/** Finding ICU's data in a program, and the items that the agent never needs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { findIcuItems } from '../../../../src/image/icu/common-data.js';
import { isUnusedItem } from '../../../../src/image/icu/unused-items.js';
import { errorOf } from '../../../support/protocol/error-of.js';

interface Item {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A program with data as ICU's tools write it. @param before bytes that precede the data */
function programWith(items: readonly Item[], before = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(32);
  header.writeUInt16LE(header.length, 0);
  header.set([0xda, 0x27, 20, 0, 0, 0, 0, 0, 2, 0], 2);
  header.write('CmnD', 12, 'latin1');
  const names = items.map(({ name }) => Buffer.from(`icudt78l/${name}\0`, 'latin1'));
  const table = Buffer.alloc(4 + items.length * 8);
  table.writeUInt32LE(items.length, 0);
  let nameAt = table.length;
  let dataAt = table.length + Buffer.concat(names).length;
  for (const [index, { bytes }] of items.entries()) {
    table.writeUInt32LE(nameAt, 4 + index * 8);
    table.writeUInt32LE(dataAt, 8 + index * 8);
    nameAt += names[index]?.length ?? 0;
    dataAt += bytes.length;
  }
  return Buffer.concat([before, header, table, ...names, ...items.map(({ bytes }) => bytes)]);
}

const items = fc.array(
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?\.(res|icu)$/),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  }),
  { minLength: 1, maxLength: 20 },
);

describe("the table of ICU's data", () => {
  it('gives the range of every item except the last, whose end is not in the table', () => {
    fc.assert(
      fc.property(items, fc.uint8Array({ maxLength: 50 }), (list, before) => {
        const program = programWith(list, Buffer.from(before));
        const found = findIcuItems(program).map(({ name, start, end }) => ({
          name,
          bytes: program.subarray(start, end),
        }));
        expect(found).toEqual(list.slice(0, -1));
      }),
    );
  });

  it('is not found in a program without it, even if the program contains its format name', () => {
    expect(findIcuItems(Buffer.from('a program that says CmnD, and again CmnD'))).toEqual([]);
    expect(findIcuItems(Buffer.from('CmnD'))).toEqual([]);
  });

  it('is refused when an item lies outside of the program', () => {
    const program = programWith([
      { name: 'a.res', bytes: Buffer.alloc(8) },
      { name: 'b.res', bytes: Buffer.alloc(8) },
    ]);
    program.writeUInt32LE(5000, 32 + 4 + 8 + 4);
    expect(errorOf(() => findIcuItems(program))).toMatchObject({ code: 'UNFIT_PARTS' });
  });

  it('is read or refused with UNFIT_PARTS when it is truncated or changed anywhere', () => {
    const whole = programWith([
      { name: 'a.res', bytes: Buffer.alloc(8) },
      { name: 'coll/b.res', bytes: Buffer.alloc(8) },
    ]);
    const changed = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255), length: fc.nat(whole.length) });
    fc.assert(
      fc.property(changed, ({ at, value, length }) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        try {
          findIcuItems(bytes.subarray(0, length));
        } catch (error) {
          expect(error instanceof StubferryError && error.code).toBe('UNFIT_PARTS');
        }
      }),
    );
  });
});

describe('the data of the Node that runs this test', () => {
  const found = findIcuItems(readFileSync(process.execPath));

  it('keeps the item that ICU reads when it starts', () => {
    expect(found.map(({ name }) => name)).toContain('cnvalias.icu');
    expect(isUnusedItem('cnvalias.icu')).toBe(false);
  });

  it('consists to nine tenths of unused items: languages, regions and character sets', () => {
    for (const name of ['coll/zh.res', 'de.res', 'ibm-1364_P110-2007.cnv', 'brkitr/cjdict.dict', 'region/fr.res'])
      expect([name, isUnusedItem(name)]).toEqual([name, true]);
    const sum = (list: typeof found): number => list.reduce((bytes, { start, end }) => bytes + end - start, 0);
    expect(sum(found.filter(({ name }) => isUnusedItem(name)))).toBeGreaterThan(0.9 * sum(found));
  });
});
