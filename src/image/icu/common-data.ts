/**
 * Finds ICU's data in a program. The data has one table of contents for all items (icu4c/source/common/ucmndata.h):
 *
 *     headerSize u16 | da 27 | UDataInfo: size u16, reserved u16, isBigEndian u8, charsetFamily u8, sizeofUChar u8,
 *                              reserved u8, dataFormat "CmnD", formatVersion, dataVersion
 *     count u32 | count * { name offset u32, data offset u32 } | names | items, each with its own header
 *
 * Offsets count from `count`. The data takes 33 of the 86 MB of Node's binary: languages, regions, currencies,
 * character sets.
 */
import { StubferryError } from '../../base/errors/index.js';

/** The value of `dataFormat`. */
const DATA_FORMAT = new TextEncoder().encode('CmnD');
/** Offset of `dataFormat`, counted from the start of the header. */
const FORMAT_OFFSET = 12;
const MAGIC = [0xda, 0x27] as const;
/** The limit of items. ICU 78 has 4305. */
const MOST_ITEMS = 65_536;
const LONGEST_NAME = 256;

/** An item of ICU's data. */
export interface IcuItem {
  /** The name, without the package's name with which all of them begin: `coll/zh.res`, `cnvalias.icu`. */
  readonly name: string;
  /** Offset of the first byte, counted from the start of the program. */
  readonly start: number;
  /** Offset after the last byte. */
  readonly end: number;
}

/**
 * Lists the items of ICU's data in a program. The list is empty when the program contains no data, or keeps it in a
 * separate file.
 *
 * The last item is left out, because the table does not contain its end.
 *
 * @throws StubferryError UNFIT_PARTS: when the table is damaged
 */
export function findIcuItems(program: Buffer): IcuItem[] {
  for (let at = program.indexOf(DATA_FORMAT); at !== -1; at = program.indexOf(DATA_FORMAT, at + 1)) {
    const header = at - FORMAT_OFFSET;
    const isHeader = header >= 0 && program[header + 2] === MAGIC[0] && program[header + 3] === MAGIC[1];
    if (isHeader) return readItems(program, header + program.readUInt16LE(header));
  }
  return [];
}

function readItems(program: Buffer, table: number): IcuItem[] {
  const number = (offset: number): number => {
    if (offset + 4 > program.length) throw damaged(`the program has ${program.length} bytes`, offset);
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
  return new StubferryError('UNFIT_PARTS', "the table of contents of ICU's data is damaged", { offset, found });
}
