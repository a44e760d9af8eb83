/** Opens the migration stream of QEMU in a libvirt save file. */

import { StubferryError } from '../../base/errors/index.js';
import type { LibvirtSaveSummary } from '../../formats/libvirt-save/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { type Compression, decompress, PushbackSource, RangeSource } from '../../io/index.js';

/** The bare bytes of a state in a container. */
export interface BareState {
  readonly source: StateSource;
  /** The offset of its first byte in the container. */
  readonly offset: number;
}

const DECOMPRESSIONS: Readonly<Partial<Record<LibvirtSaveSummary['compression'], Compression | 'raw'>>> = {
  raw: 'raw',
  gzip: 'gzip',
  xz: 'xz',
  zstd: 'zstd',
};

/**
 * Opens the decompressed stream that follows the header.
 * @param unread the bytes after the header that were already read from `source`
 * @returns the stream; undefined when the header is truncated or the save is not finished; the error when stubferry
 * cannot decompress the stream
 */
export async function libvirtStream(
  source: StateSource,
  unread: Uint8Array,
  { stateOffset: offset, compression, finished }: LibvirtSaveSummary,
  where: string,
): Promise<BareState | StubferryError | undefined> {
  if (offset === undefined || !finished) return undefined;
  const decompression = DECOMPRESSIONS[compression];
  if (decompression === undefined) {
    return new StubferryError('UNSUPPORTED_VERSION', 'the compression of the libvirt save file is not supported', {
      where,
      offset,
      expected: Object.keys(DECOMPRESSIONS).join(', '),
      found: compression,
      hint:
        compression === 'sparse'
          ? 'a sparse save file contains no stream'
          : `decompress the stream: tail -c +${offset + 1} FILE | ${compression} -dc`,
    });
  }
  const { seekable } = source;
  const close = (): Promise<void> => source.close();
  const stream =
    seekable === undefined
      ? new PushbackSource(unread, source)
      : new RangeSource(seekable, { offset, length: (await seekable.size()) - offset }, where, close);
  return { offset, source: decompression === 'raw' ? stream : decompress(decompression, stream, where) };
}
