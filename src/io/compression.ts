/**
 * What a compressed input is unpacked with, told by its first bytes.
 *
 * gzip is in Node. xz and zstd are not (zstd only from Node 22.15 on), and there they are left to the programs of that
 * name, as libvirt leaves the streams in its save files to them: both are on every Debian, follow their formats' security
 * fixes with the system, and run in a process of their own, away from this one's memory.
 */
import type { StateSource } from '../formats/state-source.js';
import { Decompressor } from './decompressor.js';
import { GunzipSource } from './gunzip-source.js';

const MAGICS = {
  gzip: [0x1f, 0x8b],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  zstd: [0x28, 0xb5, 0x2f, 0xfd],
} as const;

export type Compression = keyof typeof MAGICS;

/** How the input that begins with `front` is compressed; false when it is not, or in a way that is not known. */
export function compressionOf(front: Uint8Array): Compression | false {
  const names = Object.keys(MAGICS) as Compression[];
  return names.find((name) => MAGICS[name].every((byte, place) => front[place] === byte)) ?? false;
}

/** `source` unpacked while it is read. Closing it closes `source`. */
export function unpack(compression: Compression, source: StateSource, where: string): StateSource {
  switch (compression) {
    case 'gzip':
      return new GunzipSource(source, where);
    case 'xz':
      // -9 needs 65 MiB; an archive may declare any dictionary up to 4 GiB.
      return new Decompressor(source, where, {
        program: 'xz',
        args: ['-dc', '--memlimit-decompress=256MiB'],
        package: 'xz-utils',
      });
    case 'zstd':
      // Refuses windows of more than 128 MiB by itself.
      return new Decompressor(source, where, { program: 'zstd', args: ['-dcq'], package: 'zstd' });
  }
}
