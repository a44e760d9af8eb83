/**
 * What a program or a library asks of the dynamic loader, as ld.so reads it (System V ABI, "Program Loading and Dynamic Linking").
 *
 *     ELF header -> program headers: PT_INTERP   the loader
 *                                    PT_LOAD     where addresses are in the file
 *                                    PT_NOTE     notes; a kernel for Xen has some of owner "Xen"
 *                                    PT_DYNAMIC  -> DT_NEEDED, DT_SONAME, DT_RUNPATH, DT_VERNEED, DT_VERDEF
 *                -> section headers: .modinfo, of a kernel module
 */
import { damaged, ElfReader } from './reader.js';

const MAGIC = 0x464c457f;
const CLASS_64_LITTLE = 0x0102;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
/** More of either is no ELF file of ours. */
const MOST_HEADERS = 4096;

/** e_machine of x86-64. */
export const EM_X86_64 = 62;

export const PT = { load: 1, dynamic: 2, interp: 3, note: 4 } as const;

/** A program header: a piece of the file, and its place in memory. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

export interface Section {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface ElfFile {
  readonly reader: ElfReader;
  /** e_machine. */
  readonly machine: number;
  readonly segments: readonly Segment[];
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && new ElfReader(bytes).u32(0) === MAGIC;
}

/** @throws StubferryError UNFIT_PARTS for what is no 64-bit little-endian ELF file, and where its headers lie outside of it */
export function parseElf(bytes: Uint8Array): ElfFile {
  if (!isElf(bytes)) throw damaged('no ELF header', 0);
  const reader = new ElfReader(bytes);
  if (reader.u16(4) !== CLASS_64_LITTLE) throw damaged('not of 64 bits and little-endian', 4);
  const start = reader.u64(32);
  const count = reader.u16(56);
  if (count > 0 && reader.u16(54) !== PROGRAM_HEADER_BYTES) throw damaged('program headers of another size', 54);
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

/** @throws StubferryError UNFIT_PARTS */
export function sectionsOf({ reader }: ElfFile): Section[] {
  const start = reader.u64(40);
  const count = reader.u16(60);
  if (start === 0 || count === 0) return [];
  if (reader.u16(58) !== SECTION_HEADER_BYTES) throw damaged('section headers of another size', 58);
  if (count > MOST_HEADERS) throw damaged(`${count} section headers`, 60);
  const names = reader.u64(start + reader.u16(62) * SECTION_HEADER_BYTES + 24);
  return Array.from({ length: count }, (_, index): Section => {
    const at = start + index * SECTION_HEADER_BYTES;
    return { name: reader.string(names + reader.u32(at)), offset: reader.u64(at + 24), size: reader.u64(at + 32) };
  });
}

/** The loader that a program asks for. @throws StubferryError UNFIT_PARTS */
export function interpreterOf({ reader, segments }: ElfFile): string | undefined {
  const found = segments.find(({ type }) => type === PT.interp);
  return found === undefined ? undefined : reader.string(found.offset);
}
