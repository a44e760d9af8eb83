/** QEMU's migration stream in a libvirt save file. */

import { StubferryError } from '../../base/errors/index.js';
import type { LibvirtSaveSummary } from '../../formats/libvirt-save/index.js';
import type { StateSource } from '../../formats/state-source.js';
import { type Compression, PushbackSource, RangeSource, unpack } from '../../io/index.js';

/** The bare bytes of a state in a container. */
export interface BareState {
  readonly source: StateSource;
  /** Where it begins in the container. */
  readonly offset: number;
}

const UNPACKED: Readonly<Partial<Record<LibvirtSaveSummary['compression'], Compression | 'raw'>>> = {
  raw: 'raw',
  gzip: 'gzip',
  xz: 'xz',
  zstd: 'zstd',
};

/**
 * The stream behind the header, unpacked; undefined when the header was not whole, the error when it cannot be unpacked.
 * @param unread what was read of `source` behind the header
 */
export async function libvirtStream(
  source: StateSource,
  unread: Uint8Array,
  { stateOffset: offset, compression, finished }: LibvirtSaveSummary,
  where: string,
): Promise<BareState | StubferryError | undefined> {
  if (offset === undefined || !finished) return undefined;
  const how = UNPACKED[compression];
  if (how === undefined) {
    return new StubferryError('UNSUPPORTED_VERSION', `the stream in the libvirt save file is ${compression}`, {
      where,
      offset,
      expected: Object.keys(UNPACKED).join(', '),
      found: compression,
      hint:
        compression === 'sparse' ? 'it is no stream' : `unpack it: tail -c +${offset + 1} FILE | ${compression} -dc`,
    });
  }
  const { seekable } = source;
  const close = (): Promise<void> => source.close();
  const stream =
    seekable === undefined
      ? new PushbackSource(unread, source)
      : new RangeSource(seekable, { offset, length: (await seekable.size()) - offset }, where, close);
  return { offset, source: how === 'raw' ? stream : unpack(how, stream, where) };
}
