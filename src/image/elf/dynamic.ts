/**
 * Reads the dynamic section of a program or library: the libraries and symbol versions that it requires, and the symbol
 * versions that it provides (Linux Standard Base, "Symbol Versioning").
 */
import { type ElfFile, PT } from './elf-file.js';
import { damaged } from './reader.js';

const DT = {
  needed: 1,
  strtab: 5,
  soname: 14,
  rpath: 15,
  runpath: 29,
  verdef: 0x6ffffffc,
  verdefnum: 0x6ffffffd,
  verneed: 0x6ffffffe,
  verneednum: 0x6fffffff,
} as const;
const ENTRY_BYTES = 16;
/** The limit of symbol versions. glibc has about forty. */
const MOST_VERSIONS = 4096;

/** A symbol version that a library must provide. */
export interface RequiredVersion {
  /** The soname of the library. */
  readonly library: string;
  /** The name of the version, such as `GLIBC_2.36`. */
  readonly version: string;
}

/** The facts of a dynamic section that the loader of a library needs. */
export interface DynamicSection {
  /** The name by which other files require this library; undefined for a program. */
  readonly soname: string | undefined;
  /** The sonames of required libraries, in the order in which the loader loads them. */
  readonly needed: readonly string[];
  /**
   * Directories of DT_RUNPATH, or of DT_RPATH when there is no DT_RUNPATH. `$ORIGIN` stands for the directory of the
   * file.
   */
  readonly runpath: readonly string[];
  /** Symbol versions that the required libraries must provide. */
  readonly requires: readonly RequiredVersion[];
  /** Names of the symbol versions that this file provides. */
  readonly provides: readonly string[];
}

const STATIC: DynamicSection = { soname: undefined, needed: [], runpath: [], requires: [], provides: [] };

/**
 * Reads the dynamic section of a file.
 *
 * @returns an empty section for a program that is linked statically
 * @throws StubferryError UNFIT_PARTS: when the file is damaged
 */
export function dynamicSectionOf(file: ElfFile): DynamicSection {
  const { reader, segments } = file;
  const dynamic = segments.find(({ type }) => type === PT.dynamic);
  if (dynamic === undefined) return STATIC;
  const entries: { tag: number; value: number }[] = [];
  for (let at = dynamic.offset; at + ENTRY_BYTES <= dynamic.offset + dynamic.fileSize; at += ENTRY_BYTES) {
    const tag = reader.u64(at);
    if (tag === 0) break;
    entries.push({ tag, value: reader.u64(at + 8) });
  }
  const numberOf = (wanted: number): number | undefined => entries.find(({ tag }) => tag === wanted)?.value;
  const strtab = numberOf(DT.strtab);
  if (strtab === undefined) throw damaged('a dynamic section without a string table', dynamic.offset);
  const strings = offsetOf(file, strtab);
  const text = (value: number): string => reader.string(strings + value);
  const textOf = (tag: number): string | undefined => {
    const value = numberOf(tag);
    return value === undefined ? undefined : text(value);
  };
  return {
    soname: textOf(DT.soname),
    needed: entries.filter(({ tag }) => tag === DT.needed).map(({ value }) => text(value)),
    runpath: (textOf(DT.runpath) ?? textOf(DT.rpath) ?? '').split(':').filter((directory) => directory !== ''),
    requires: requiredVersions(file, numberOf(DT.verneed), numberOf(DT.verneednum) ?? 0, text),
    provides: providedVersions(file, numberOf(DT.verdef), numberOf(DT.verdefnum) ?? 0, text),
  };
}

/** Converts an address in memory to an offset in the file. */
function offsetOf({ segments }: ElfFile, address: number): number {
  const segment = segments.find(({ type, address: start, fileSize }) => {
    return type === PT.load && address >= start && address < start + fileSize;
  });
  if (segment === undefined) throw damaged(`no segment contains the address 0x${address.toString(16)}`);
  return segment.offset + (address - segment.address);
}

type Text = (value: number) => string;

/**
 * Reads DT_VERNEED: one Verneed for each library (file at 4, offset of the first Vernaux at 8, next Verneed at 12),
 * with one Vernaux for each version (name at 8, next Vernaux at 12).
 */
function requiredVersions(
  file: ElfFile,
  address: number | undefined,
  libraries: number,
  text: Text,
): RequiredVersion[] {
  if (address === undefined) return [];
  const { reader } = file;
  const found: RequiredVersion[] = [];
  let need = offsetOf(file, address);
  for (let left = bounded(libraries); left > 0; left -= 1) {
    const library = text(reader.u32(need + 4));
    let auxiliary = need + reader.u32(need + 8);
    for (let versions = bounded(reader.u16(need + 2)); versions > 0; versions -= 1) {
      found.push({ library, version: text(reader.u32(auxiliary + 8)) });
      bounded(found.length);
      auxiliary += reader.u32(auxiliary + 12);
    }
    need += reader.u32(need + 12);
  }
  return found;
}

/**
 * Reads DT_VERDEF: one Verdef for each version (first Verdaux at 12, next Verdef at 16). The first Verdaux has the name
 * at 0.
 */
function providedVersions(file: ElfFile, address: number | undefined, versions: number, text: Text): string[] {
  if (address === undefined) return [];
  const { reader } = file;
  const found: string[] = [];
  let definition = offsetOf(file, address);
  for (let left = bounded(versions); left > 0; left -= 1) {
    found.push(text(reader.u32(definition + reader.u32(definition + 12))));
    definition += reader.u32(definition + 16);
  }
  return found;
}

function bounded(count: number): number {
  if (count > MOST_VERSIONS) throw damaged(`${count} versions of symbols`);
  return count;
}
