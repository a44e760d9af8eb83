/**
 * Recognises the compression of an input by its first bytes and decompresses the input.
 *
 * Node decompresses gzip. Node does not decompress xz, and decompresses zstd only from version 22.15 on. For these
 * formats stubferry runs the programs of the same name, as libvirt does for the streams in its save files. Both
 * programs are available on every Debian, get their security fixes with the system, and run in a separate process that
 * cannot reach the memory of this one.
 */
import type { StateSource } from '../formats/state-source.js';
import { Decompressor } from './decompressor.js';
import { GunzipSource } from './gunzip-source.js';

const MAGICS = {
  gzip: [0x1f, 0x8b],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
} as const;

/** The name of a supported compression format. */
export type Compression = keyof typeof MAGICS;

/**
 * The compression of the input whose first bytes are `front`.
 * @returns false when the input is not compressed or has an unknown compression
 */
export function compressionOf(front: Uint8Array): Compression | false {
  const names = Object.keys(MAGICS) as Compression[];
  return names.find((name) => MAGICS[name].every((byte, index) => front[index] === byte)) ?? false;
}

/**
 * Returns a source that decompresses `source` while it is read. Closing the returned source closes `source`.
 * @param where the name of the input, for error messages
 */
export function decompress(compression: Compression, source: StateSource, where: string): StateSource {
  switch (compression) {
    case 'gzip':
      return new GunzipSource(source, where);
    case 'xz':
      // Level -9 needs 65 MiB, but an archive may declare a dictionary of up to 4 GiB.
      return new Decompressor(source, where, {
        program: 'xz',
        args: ['-dc', '--memlimit-decompress=256MiB'],
        package: 'xz-utils',
      });
    case 'zstd':
      // zstd refuses windows of more than 128 MiB by default.
      return new Decompressor(source, where, { program: 'zstd', args: ['-dcq'], package: 'zstd' });
  }
}
