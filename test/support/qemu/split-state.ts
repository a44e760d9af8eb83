/**
 * Splits a device state into its fields, using a description of the machine.
 *
 *     "QEVM" version
 *     { 0x04  section id  name  instance  version  fields  { 0x05  name  version  fields ... } } ...
 *     0x00
 *
 * All bytes that are not in a field must match the description, and the state must end where the description ends. So a
 * missing or additional byte at any position is detected.
 */
import { type DescribedState, type Field, nameOf } from './described-state.js';
import type { Description, FieldDescription, StructDescription } from './description.js';

const MAGIC = 'QEVM';
const VERSION = 3;
const SECTION_FULL = 0x04;
const SUBSECTION = 0x05;
const END = 0x00;

/** Splits `bytes`. Throws when they do not match the description. */
export function splitState(bytes: Buffer, description: Description): DescribedState {
  const splitter = new Splitter(bytes);
  splitter.expect('magic', MAGIC, splitter.text(4));
  splitter.expect('format version', VERSION, splitter.u32());
  for (const device of description.devices) splitter.device(device);
  splitter.expect('end mark', END, splitter.u8());
  splitter.expect('end of the state', bytes.length, splitter.offset);
  return { bytes, fields: splitter.fields };
}

class Splitter {
  readonly #bytes: Buffer;
  readonly fields: Field[] = [];
  readonly #names = new Set<string>();
  #device = { section: '', instance: 0 };
  offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  device(device: Description['devices'][number]): void {
    this.#device = { section: device.name, instance: device.instance_id };
    this.expect(`${device.name}: section`, SECTION_FULL, this.u8());
    this.#field('(section id)', 'uint32', 4);
    this.expect(`${device.name}: name`, device.name, this.text(this.u8()));
    this.expect(`${device.name}: instance`, device.instance_id, this.u32());
    this.expect(`${device.name}: version`, device.version ?? 0, this.u32());
    this.#struct('', device);
  }

  expect(what: string, expected: string | number, found: string | number): void {
    if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}, before ${this.offset}`);
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  text(length: number): string {
    return this.#bytes.toString('latin1', this.#advance(length), this.offset);
  }

  #struct(path: string, { fields = [], subsections = [] }: StructDescription): void {
    for (const field of fields) this.#described(path, field);
    for (const subsection of subsections) {
      const name = subsection.vmsd_name ?? '';
      this.expect(`${name}: subsection`, SUBSECTION, this.u8());
      this.expect(`${name}: name`, name, this.text(this.u8()));
      this.expect(`${name}: version`, subsection.version ?? 0, this.u32());
      this.#struct(`${path}(${name})/`, subsection);
    }
  }

  #described(path: string, field: FieldDescription): void {
    const { name, array_len: count = 1, index } = field;
    for (let at = 0; at < count; at++) {
      const element = field.array_len === undefined ? index : at;
      this.#element(element === undefined ? `${path}${name}` : `${path}${name}[${element}]`, field);
    }
  }

  /** A field without a struct is opaque. */
  #element(path: string, { type, size, struct }: FieldDescription): void {
    if (struct === undefined) {
      this.#field(path, type, size);
      return;
    }
    const start = this.offset;
    this.#struct(`${path}/`, struct);
    this.expect(`${path}: size`, size, this.offset - start);
  }

  #field(path: string, type: string, length: number): void {
    const field = { ...this.#device, path, type, offset: this.#advance(length), length };
    if (this.#names.has(nameOf(field))) throw new Error(`two fields have the name ${nameOf(field)}`);
    this.#names.add(nameOf(field));
    this.fields.push(field);
  }

  /** Skips `length` bytes and returns their offset. */
  #advance(length: number): number {
    const start = this.offset;
    if (start + length > this.#bytes.length) throw new Error(`the state ends at ${this.#bytes.length}, inside a field`);
    this.offset += length;
    return start;
  }
}
