/** The readers of containers, told by the first bytes of what they read. */
import { LIBVIRT_MAGIC, LIBVIRT_PARTIAL_MAGIC, LibvirtSaveReader } from '../../formats/libvirt-save/index.js';
import { Cursor, type PullParser } from '../../formats/pull-parser/index.js';
import { LIBXL_MAGIC, LibxlReader } from '../../formats/xen/libxl-stream/index.js';
import { XL_MAGIC, XlSaveReader } from '../../formats/xen/xl-save/index.js';
import type { ContainerSummary } from './summary.js';

export interface ContainerReader {
  /** What was found so far; undefined before the header was read. */
  readonly summary: ContainerSummary | undefined;
  parse(): PullParser<void>;
}

/** @param where the input, for messages. Undefined when `front` is the beginning of no container */
export function containerReaderFor(front: Uint8Array, where: string): ContainerReader | undefined {
  const begins = (magic: string): boolean => {
    return Buffer.from(front.subarray(0, magic.length)).toString('latin1') === magic;
  };
  if (begins(XL_MAGIC)) return new XlSaveReader(new Cursor(where));
  if (begins(LIBXL_MAGIC)) return new LibxlStreamReader(new Cursor(where));
  if (begins(LIBVIRT_MAGIC) || begins(LIBVIRT_PARTIAL_MAGIC)) return new LibvirtSaveReader(new Cursor(where));
  return undefined;
}

/** A libxl stream in a file of its own, as other toolstacks than xl keep it. */
class LibxlStreamReader implements ContainerReader {
  readonly #cursor: Cursor;
  readonly #libxl: LibxlReader;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#libxl = new LibxlReader(cursor);
  }

  get summary(): ContainerSummary | undefined {
    const libxl = this.#libxl.summary;
    return libxl === undefined ? undefined : { kind: 'libxl-stream', libxl };
  }

  *parse(): PullParser<void> {
    yield* this.#libxl.parse();
    yield* this.#cursor.expectEnd('libxl stream');
  }
}
