/** Encodes xl save files from tools/xl/xl.h of Xen, independently of the parser. */
import type { ByteOrder } from '../../../src/formats/pull-parser/index.js';
import { libxlStream } from '../libxl-stream/libxl-bytes.js';
import { u32 } from '../pull-parser/numbers.js';

export const MAGIC = Buffer.from('Xen saved domain, xl format\n \0 \r', 'latin1');
export const CONFIG = '{"c_info":{"type":"hvm","name":"guest"}}';

export interface XlHead {
  readonly order: ByteOrder;
  readonly mandatory: number;
  readonly optional: number;
}

export const XL: XlHead = { order: 'little', mandatory: 3, optional: 0 };

/** Encodes the optional data: the config and its length, which includes the NUL. */
export function configData(text: string, order: ByteOrder = 'little'): Buffer {
  const config = Buffer.from(`${text}\0`, 'utf8');
  return Buffer.concat([u32(config.length, order), config]);
}

export function xlHead(
  { order, mandatory, optional }: XlHead = XL,
  optionalData: Uint8Array = configData(CONFIG),
): Buffer {
  const numbers = [0x01020304, mandatory, optional, optionalData.length].map((number) => u32(number, order));
  return Buffer.concat([MAGIC, ...numbers, optionalData]);
}

/** Encodes the save file of an HVM guest with this emulator context. */
export function xlSave(context: Uint8Array, order: ByteOrder = 'little'): Buffer {
  return Buffer.concat([xlHead({ ...XL, order }, configData(CONFIG, order)), libxlStream(context, order)]);
}
