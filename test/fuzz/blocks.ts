/**
 * Locates the headers and records of a complete xl save file or libxl stream, independently of the product's parsers.
 */

import { TYPES } from '../support/libxc-stream/libxc-bytes.js';
import { LIBXL_TYPES } from '../support/libxl-stream/libxl-bytes.js';

/** A header, record or section of a file. Offset and length are in bytes. */
export interface Block {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

const nameIn = (types: Readonly<Record<string, number>>, type: number): string =>
  Object.entries(types).find(([, number]) => number === type)?.[0] ?? 'OPTIONAL';

/** Lists the blocks of a file. @param file a complete and valid file, because nothing is checked */
export function libxlBlocks(file: Buffer): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  const add = (name: string, length: number): void => {
    blocks.push({ name, offset: at, length });
    at += length;
  };
  const u32 = (offset: number, big: boolean): number => (big ? file.readUInt32BE(offset) : file.readUInt32LE(offset));
  const xl = file.subarray(0, 3).toString() === 'Xen';
  if (xl) add('xl header', 48 + u32(44, file[32] === 1));
  const big = file[at + 15] === 1;
  add('libxl header', 16);
  let inLibxc = false;
  while (at < file.length) {
    const [type, body] = [u32(at, big), u32(at + 4, big)];
    const name = nameIn(inLibxc ? TYPES : LIBXL_TYPES, type);
    add(inLibxc && name === 'END' ? 'libxc END' : name, 8 + Math.ceil(body / 8) * 8);
    if (name === 'LIBXC_CONTEXT') add('libxc headers', 40);
    if (name === 'LIBXC_CONTEXT' || name === 'CHECKPOINT_END') inLibxc = true;
    else if (inLibxc && (name === 'END' || name === 'CHECKPOINT')) inLibxc = false;
  }
  return blocks;
}
