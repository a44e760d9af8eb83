/** Builds QEMU states by hand, from the layouts in QEMU's sources. */

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** A byte with the length, then the text. */
export function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')]);
}

export const FILE_HEADER = Buffer.concat([Buffer.from('QEVM'), u32(3)]);
export const END = Buffer.of(0);

export interface Header {
  readonly type?: number;
  readonly id: number;
  readonly name: string;
  readonly instance?: number;
  readonly version?: number;
}

export function header({ type = 0x04, id, name, instance = 0, version = 1 }: Header): Buffer {
  return Buffer.concat([Buffer.of(type), u32(id), text(name), u32(instance), u32(version)]);
}

export function footer(id: number): Buffer {
  return Buffer.concat([Buffer.of(0x7e), u32(id)]);
}

export interface Section extends Header {
  readonly body: Uint8Array | string;
}

export function section({ body, ...headerFields }: Section): Buffer {
  return Buffer.concat([header(headerFields), Buffer.from(body)]);
}

/** A device state as QEMU writes it under Xen, without footers. */
export function deviceState(sections: readonly Section[]): Buffer {
  return Buffer.concat([FILE_HEADER, ...sections.map(section), END]);
}

/** A device state with footers. */
export function footeredState(sections: readonly Section[]): Buffer {
  return Buffer.concat([FILE_HEADER, ...sections.flatMap((device) => [section(device), footer(device.id)]), END]);
}

/** A description: its 0x06, its length and its text. */
export function described(json: unknown): Buffer {
  const bytes = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  return Buffer.concat([Buffer.of(0x06), u32(bytes.length), bytes]);
}

export const RAM: Header = { type: 0x01, id: 2, name: 'ram', version: 4 };
export const RAM_END = u64(0x10);

/** The start section of RAM, with a list of blocks. */
export function ramStart(blocks: Readonly<Record<string, number>>): Buffer {
  const sum = Object.values(blocks).reduce((total, bytes) => total + bytes, 0);
  const list = Object.entries(blocks).flatMap(([name, bytes]) => [text(name), u64(bytes)]);
  return Buffer.concat([header(RAM), u64(sum + 0x04), ...list, RAM_END]);
}

/** A part or end section of RAM. */
export function ramPart(type: 'part' | 'end', ...records: Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.of(type === 'part' ? 0x02 : 0x03), u32(RAM.id), ...records, RAM_END]);
}

export function page(address: number, name?: string): Buffer {
  const bytes = Buffer.alloc(4096, 0x04);
  return name === undefined
    ? Buffer.concat([u64(address + 0x28), bytes])
    : Buffer.concat([u64(address + 0x08), text(name), bytes]);
}
