/**
 * Builds ELF files for tests, with only what the dynamic loader reads: one PT_LOAD over the whole file, and the dynamic
 * section.
 */

/** The facts of a dynamic section. */
export interface DynamicFacts {
  readonly soname?: string;
  readonly needed?: readonly string[];
  readonly runpath?: string;
  /** The required symbol versions of each library. */
  readonly requires?: Readonly<Record<string, readonly string[]>>;
  readonly provides?: readonly string[];
  readonly interpreter?: string;
  /** e_machine; x86-64 by default. */
  readonly machine?: number;
}

const HEADER = 64;
const PROGRAM_HEADER = 56;
const SECTION_HEADER = 64;
/** The address at which the file is loaded. */
const BASE = 0x400000;

/** A string table. */
class Strings {
  #bytes = Buffer.from([0]);

  /** @returns the offset of the string */
  add(text: string): number {
    const offset = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(`${text}\0`, 'latin1')]);
    return offset;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }
}

/** Builds a program or library. */
export function elfWith(facts: DynamicFacts): Buffer {
  const strings = new Strings();
  const segments = facts.interpreter === undefined ? 2 : 3;
  const start = HEADER + segments * PROGRAM_HEADER;
  const verneed = encodeVerneed(facts.requires ?? {}, strings);
  const verdef = encodeVerdef(facts.provides ?? [], strings);
  const tags: [number, number][] = (facts.needed ?? []).map((name) => [1, strings.add(name)]);
  if (facts.soname !== undefined) tags.push([14, strings.add(facts.soname)]);
  if (facts.runpath !== undefined) tags.push([29, strings.add(facts.runpath)]);
  const interpreterAt = start;
  const interpreter = Buffer.from(facts.interpreter === undefined ? '' : `${facts.interpreter}\0`, 'latin1');
  const verneedAt = interpreterAt + interpreter.length;
  const verdefAt = verneedAt + verneed.length;
  const stringsAt = verdefAt + verdef.length;
  const dynamicAt = stringsAt + strings.bytes.length;
  tags.push([5, BASE + stringsAt]);
  if (facts.requires !== undefined)
    tags.push([0x6ffffffe, BASE + verneedAt], [0x6fffffff, Object.keys(facts.requires).length]);
  if (facts.provides !== undefined) tags.push([0x6ffffffc, BASE + verdefAt], [0x6ffffffd, facts.provides.length]);
  tags.push([0, 0]);
  const dynamic = Buffer.concat(tags.map(([tag, value]) => u64s(tag, value)));
  const length = dynamicAt + dynamic.length;
  const headers = [programHeader(1, 0, BASE, length), programHeader(2, dynamicAt, BASE + dynamicAt, dynamic.length)];
  if (facts.interpreter !== undefined)
    headers.push(programHeader(3, interpreterAt, BASE + interpreterAt, interpreter.length));
  const header = elfHeader(facts.machine ?? 62, headers.length, 0, 0, 0);
  return Buffer.concat([header, ...headers, interpreter, verneed, verdef, strings.bytes, dynamic]);
}

/** Builds a kernel module, without segments. @param texts the content of `.modinfo` */
export function moduleWith(texts: Readonly<Record<string, string>>): Buffer {
  const modinfo = Buffer.from(
    Object.entries(texts)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
    'latin1',
  );
  const names = Buffer.from('\0.modinfo\0.shstrtab\0', 'latin1');
  const modinfoAt = HEADER;
  const namesAt = modinfoAt + modinfo.length;
  const sections = [
    sectionHeader(0, 0, 0),
    sectionHeader(1, modinfoAt, modinfo.length),
    sectionHeader(10, namesAt, names.length),
  ];
  const header = elfHeader(62, 0, namesAt + names.length, sections.length, 2);
  return Buffer.concat([header, modinfo, names, ...sections]);
}

/** Builds a kernel with notes. @param notes the owner and the type of each note */
export function kernelWith(notes: readonly (readonly [string, number])[]): Buffer {
  const encoded = Buffer.concat(
    notes.map(([owner, type]) => {
      const name = padded(Buffer.from(`${owner}\0`, 'latin1'));
      const description = Buffer.alloc(8);
      return Buffer.concat([u32s(owner.length + 1, description.length, type), name, description]);
    }),
  );
  const at = HEADER + PROGRAM_HEADER;
  return Buffer.concat([elfHeader(62, 1, 0, 0, 0), programHeader(4, at, BASE + at, encoded.length), encoded]);
}

function elfHeader(machine: number, segments: number, sectionsAt: number, sections: number, names: number): Buffer {
  const header = Buffer.alloc(HEADER);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(BigInt(segments === 0 ? 0 : HEADER), 32);
  header.writeBigUInt64LE(BigInt(sectionsAt), 40);
  header.writeUInt16LE(PROGRAM_HEADER, 54);
  header.writeUInt16LE(segments, 56);
  header.writeUInt16LE(SECTION_HEADER, 58);
  header.writeUInt16LE(sections, 60);
  header.writeUInt16LE(names, 62);
  return header;
}

function programHeader(type: number, offset: number, address: number, size: number): Buffer {
  return Buffer.concat([u32s(type, 4), u64s(offset, address, address, size, size, 8)]);
}

function sectionHeader(name: number, offset: number, size: number): Buffer {
  return Buffer.concat([u32s(name, 1), u64s(0, 0, offset, size), u32s(0, 0), u64s(1, 0)]);
}

function encodeVerneed(requires: Readonly<Record<string, readonly string[]>>, strings: Strings): Buffer {
  const libraries = Object.entries(requires);
  return Buffer.concat(
    libraries.map(([library, versions], index) => {
      const length = 16 + versions.length * 16;
      const need = Buffer.alloc(16);
      need.writeUInt16LE(1, 0);
      need.writeUInt16LE(versions.length, 2);
      need.writeUInt32LE(strings.add(library), 4);
      need.writeUInt32LE(16, 8);
      need.writeUInt32LE(index === libraries.length - 1 ? 0 : length, 12);
      const auxiliaries = versions.map((version, at) => {
        return u32s(0, 0, strings.add(version), at === versions.length - 1 ? 0 : 16);
      });
      return Buffer.concat([need, ...auxiliaries]);
    }),
  );
}

function encodeVerdef(provides: readonly string[], strings: Strings): Buffer {
  return Buffer.concat(
    provides.map((version, index) => {
      const next = index === provides.length - 1 ? 0 : 28;
      return Buffer.concat([u32s(1, 1, 0, 20, next), u32s(strings.add(version), 0)]);
    }),
  );
}

function u32s(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, index * 4);
  return bytes;
}

function u64s(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 8);
  for (const [index, number] of numbers.entries()) bytes.writeBigUInt64LE(BigInt(number), index * 8);
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
