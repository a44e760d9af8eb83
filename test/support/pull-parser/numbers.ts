/** Encodes numbers and records, for test inputs that do not come from the code under test. */
import type { ByteOrder } from '../../../src/formats/pull-parser/index.js';

export function u16(value: number, order: ByteOrder): Buffer {
  const bytes = Buffer.alloc(2);
  order === 'little' ? bytes.writeUInt16LE(value) : bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number, order: ByteOrder): Buffer {
  const bytes = Buffer.alloc(4);
  order === 'little' ? bytes.writeUInt32LE(value) : bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value: bigint, order: ByteOrder): Buffer {
  const bytes = Buffer.alloc(8);
  order === 'little' ? bytes.writeBigUInt64LE(value) : bytes.writeBigUInt64BE(value);
  return bytes;
}

/** Encodes a record as libxl and libxc do: header, body, zeros to a multiple of 8 bytes. */
export function record(type: number, body: Uint8Array, order: ByteOrder): Buffer {
  const padding = Buffer.alloc((8 - (body.length % 8)) % 8);
  return Buffer.concat([u32(type, order), u32(body.length, order), body, padding]);
}
