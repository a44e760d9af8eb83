/** Selects the reader of a container by the first bytes of the input. */
import { LIBVIRT_MAGIC, LIBVIRT_PARTIAL_MAGIC, LibvirtSaveReader } from '../../formats/libvirt-save/index.js';
import { Cursor, type PullParser } from '../../formats/pull-parser/index.js';
import { LIBXL_MAGIC, LibxlReader } from '../../formats/xen/libxl-stream/index.js';
import { XL_MAGIC, XlSaveReader } from '../../formats/xen/xl-save/index.js';
import type { ContainerSummary } from './summary.js';

/** Parses one container. */
export interface ContainerReader {
  /** The content found so far, or undefined before the header was read. */
  readonly summary: ContainerSummary | undefined;
  /** Returns the pull parser, which must run from the first byte of the container. */
  parse(): PullParser<void>;
}

/** One row for each container format: the first bytes of its files, and its reader. */
const CONTAINERS: readonly {
  readonly magics: readonly string[];
  readonly open: (cursor: Cursor) => ContainerReader;
}[] = [
  { magics: [XL_MAGIC], open: (cursor) => new XlSaveReader(cursor) },
  { magics: [LIBXL_MAGIC], open: (cursor) => new LibxlStreamReader(cursor) },
  { magics: [LIBVIRT_MAGIC, LIBVIRT_PARTIAL_MAGIC], open: (cursor) => new LibvirtSaveReader(cursor) },
];

/**
 * Creates the reader for the container that starts with `front`.
 * @param where the name of the input, for error messages
 * @returns undefined when `front` is not the start of a known container
 */
export function containerReaderFor(front: Uint8Array, where: string): ContainerReader | undefined {
  const startsWith = (magic: string): boolean => {
    return Buffer.from(front.subarray(0, magic.length)).toString('latin1') === magic;
  };
  return CONTAINERS.find(({ magics }) => magics.some(startsWith))?.open(new Cursor(where));
}

/** Reads a libxl stream in a separate file, as toolstacks other than xl store it. */
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
