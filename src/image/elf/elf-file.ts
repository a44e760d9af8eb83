/**
 * Reads the headers of an ELF file, as ld.so reads them (System V ABI, "Program Loading and Dynamic Linking").
 *
 *     ELF header -> program headers: PT_INTERP   path of the loader
 *                                    PT_LOAD     which address is at which offset in the file
 *                                    PT_NOTE     notes; a kernel for Xen has notes of the owner "Xen"
 *                                    PT_DYNAMIC  -> DT_NEEDED, DT_SONAME, DT_RUNPATH, DT_VERNEED, DT_VERDEF
 *                -> section headers: .modinfo of a kernel module
 */
import { damaged, ElfReader } from './reader.js';

const MAGIC = 0x464c457f;
const CLASS_64_LITTLE = 0x0102;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
/** The limit of program headers, and of section headers. */
const MOST_HEADERS = 4096;

/** The value of e_machine for x86-64. */
export const EM_X86_64 = 62;

/** Types of program headers. */
export const PT = { load: 1, dynamic: 2, interp: 3, note: 4 } as const;

/** A program header: a segment of the file, and its address in memory. */
export interface Segment {
  /** One of {@link PT}, or another number. */
  readonly type: number;
  /** Offset of the first byte in the file. */
  readonly offset: number;
  /** Address of the first byte in memory. */
  readonly address: number;
  /** The length in the file, in bytes. */
  readonly fileSize: number;
}

/** A section header. */
export interface Section {
  readonly name: string;
  /** Offset of the first byte in the file. */
  readonly offset: number;
  readonly size: number;
}

/** An ELF file whose headers were read. */
export interface ElfFile {
  readonly reader: ElfReader;
  /** The processor: e_machine of the ELF header. */
  readonly machine: number;
  readonly segments: readonly Segment[];
}

/** Tells whether a file begins as an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && new ElfReader(bytes).u32(0) === MAGIC;
}

/**
 * Reads the ELF header and the program headers.
 *
 * @throws StubferryError UNFIT_PARTS: when it is not a 64-bit little-endian ELF file, or its headers lie outside of the
 *   file
 */
export function parseElf(bytes: Uint8Array): ElfFile {
  if (!isElf(bytes)) throw damaged('no ELF header', 0);
  const reader = new ElfReader(bytes);
  if (reader.u16(4) !== CLASS_64_LITTLE) throw damaged('not a 64-bit little-endian file', 4);
  const start = reader.u64(32);
  const count = reader.u16(56);
  if (count > 0 && reader.u16(54) !== PROGRAM_HEADER_BYTES) throw damaged('program headers of an unexpected size', 54);
  if (count > MOST_HEADERS) throw damaged(`${count} program headers`, 56);
  const segments = Array.from({ length: count }, (_, index): Segment => {
    const at = start + index * PROGRAM_HEADER_BYTES;
    const [type, offset, address, fileSize] = [
      reader.u32(at),
      reader.u64(at + 8),
      reader.u64(at + 16),
      reader.u64(at + 32),
    ];
    return { type, offset, address, fileSize };
  });
  return { reader, machine: reader.u16(18), segments };
}

/** Reads the section headers. @throws StubferryError UNFIT_PARTS: when the file is damaged */
export function sectionsOf({ reader }: ElfFile): Section[] {
  const start = reader.u64(40);
  const count = reader.u16(60);
  if (start === 0 || count === 0) return [];
  if (reader.u16(58) !== SECTION_HEADER_BYTES) throw damaged('section headers of an unexpected size', 58);
  if (count > MOST_HEADERS) throw damaged(`${count} section headers`, 60);
  const names = reader.u64(start + reader.u16(62) * SECTION_HEADER_BYTES + 24);
  return Array.from({ length: count }, (_, index): Section => {
    const at = start + index * SECTION_HEADER_BYTES;
    return { name: reader.string(names + reader.u32(at)), offset: reader.u64(at + 24), size: reader.u64(at + 32) };
  });
}

/**
 * Returns the path of the loader that a program names; undefined when it names none.
 *
 * @throws StubferryError UNFIT_PARTS
 */
export function interpreterOf({ reader, segments }: ElfFile): string | undefined {
  const found = segments.find(({ type }) => type === PT.interp);
  return found === undefined ? undefined : reader.string(found.offset);
}
