/**
 * ICU's data as it is linked into a program: one table of contents over all items (icu4c/source/common/ucmndata.h).
 *
 *     headerSize u16 | da 27 | UDataInfo: size u16, reserved u16, isBigEndian u8, charsetFamily u8, sizeofUChar u8, reserved u8,
 *                              dataFormat "CmnD", formatVersion, dataVersion
 *     count u32 | count * { name offset u32, data offset u32 }, from here on | names | items, each with a header of its own
 *
 * In Node's binary it has 33 of 86 MB: languages, regions, currencies, character sets.
 */
import { StubferryError } from '../../base/errors/index.js';

/** At byte 12 of the header. */
const DATA_FORMAT = new TextEncoder().encode('CmnD');
const FORMAT_AT = 12;
const MAGIC = [0xda, 0x27] as const;
/** ICU 78 has 4305. */
const MOST_ITEMS = 65_536;
const LONGEST_NAME = 256;

/** An item, at a place of the bytes that were searched. */
export interface IcuItem {
  /** Without the package's name that stands in front of all: `coll/zh.res`, `cnvalias.icu`. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The items of the data in a program; none when it has no data, or has it in a file of its own.
 *
 * The last item is left out: the table does not say where it ends.
 *
 * @throws StubferryError UNFIT_PARTS when the table is not as ICU writes it
 */
export function findIcuItems(program: Buffer): IcuItem[] {
  for (let at = program.indexOf(DATA_FORMAT); at !== -1; at = program.indexOf(DATA_FORMAT, at + 1)) {
    const header = at - FORMAT_AT;
    const isHeader = header >= 0 && program[header + 2] === MAGIC[0] && program[header + 3] === MAGIC[1];
    if (isHeader) return readItems(program, header + program.readUInt16LE(header));
  }
  return [];
}

function readItems(program: Buffer, table: number): IcuItem[] {
  const number = (offset: number): number => {
    if (offset + 4 > program.length) throw damaged(`it has ${program.length} bytes`, offset);
    return program.readUInt32LE(offset);
  };
  const count = number(table);
  if (count > MOST_ITEMS) throw damaged(`${count} items`, table);
  const entries = Array.from({ length: count }, (_, index) => {
    const at = table + 4 + index * 8;
    return { name: nameAt(program, table + number(at)), start: table + number(at + 4) };
  });
  return entries.slice(0, -1).map(({ name, start }, index) => {
    const end = entries[index + 1]?.start ?? start;
    if (start > end || end > program.length) throw damaged(`the item ${name} from ${start} to ${end}`, table);
    return { name, start, end };
  });
}

function nameAt(program: Buffer, at: number): string {
  const end = program.indexOf(0, at);
  if (end === -1 || end - at > LONGEST_NAME) throw damaged('a name without an end', at);
  const name = program.toString('latin1', at, end);
  return name.slice(name.indexOf('/') + 1);
}

function damaged(found: string, offset: number): StubferryError {
  return new StubferryError('UNFIT_PARTS', "the table of ICU's data is damaged", { offset, found });
}
