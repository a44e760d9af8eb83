/**
 * RAM in a migration stream (QEMU's migration/ram.c). The body of each section is a list of records. Each record begins
 * with a u64, which contains an address in its upper bits. Its lower bits, below the page size, are flags:
 *
 *     0x002  page that repeats one byte: [name] u8
 *     0x004  list of blocks: { name, u64 length } ...; the address is the sum of the lengths
 *     0x008  whole page: [name] bytes
 *     0x010  end of this section
 *     0x020  added to a page record: the page is in the same block as the previous one, and there is no [name]
 *     0x040  page as a difference (XBZRLE): [name] u8, u16 n, n bytes
 *     0x100  compressed page: [name] u32 n, n bytes
 *     0x200  QEMU 8 and later: synchronization of the channels of a multifd migration
 *
 * A name is a byte with its length, and then that many characters. The reader keeps no pages. It parses the records
 * only to find the end of the section.
 */
import { printable } from '../../base/errors/index.js';
import type { ByteFeed, Parsing } from './byte-feed.js';
import { QEVM_LIMITS } from './limits.js';
import { type Location, parseError } from './parse-error.js';
import type { Ram, RamBlock } from './state.js';

const FILLED = 0x002;
const BLOCK_LIST = 0x004;
const WHOLE = 0x008;
const END = 0x010;
const SAME_BLOCK = 0x020;
const DIFFERENCE = 0x040;
const COMPRESSED = 0x100;
const IN_STEP = 0x200;

/** The version of the section `ram` with these records. QEMU has written this version since 2010. */
export const RAM_VERSION = 4;
const DEFAULT_PAGE_BITS = 12;
/** Upper bound for the output of deflate for a page of 64 KiB, in bytes. */
const MAX_COMPRESSED_BYTES = 128 * 1024;

/** Parses the sections of RAM, which share one list of blocks. */
export class RamParser {
  readonly #feed: ByteFeed;
  readonly #location: Location;
  readonly #ignoreShared: boolean;
  readonly #pageSize: number;
  readonly #blocks = new Map<string, RamBlock>();
  readonly #pages = { whole: 0, filled: 0, compressed: 0 };
  #hasBlock = false;

  constructor(feed: ByteFeed, location: Location, pageBits = DEFAULT_PAGE_BITS, capabilities: readonly string[] = []) {
    this.#feed = feed;
    this.#location = location;
    this.#pageSize = 2 ** pageBits;
    this.#ignoreShared = capabilities.includes('x-ignore-shared');
  }

  /** The blocks and the number of pages in the sections that were parsed so far. */
  get ram(): Ram {
    return { pageSize: this.#pageSize, blocks: [...this.#blocks.values()], pages: { ...this.#pages } };
  }

  /** Parses the body of one section. @throws StubferryError CORRUPT, LIMIT_EXCEEDED, TRUNCATED */
  *section(): Parsing<void> {
    for (;;) {
      const at = this.#feed.position;
      const word = yield* this.#feed.u64('a record of RAM');
      const flags = Number(word & BigInt(this.#pageSize - 1));
      if ((flags & BLOCK_LIST) !== 0) yield* this.#blockList(at, word & ~BigInt(this.#pageSize - 1));
      const kind = flags & ~(SAME_BLOCK | BLOCK_LIST);
      if (kind === END) return;
      if (kind === IN_STEP || (kind === 0 && flags === BLOCK_LIST)) continue;
      yield* this.#page(at, kind, (flags & SAME_BLOCK) !== 0);
    }
  }

  *#page(at: number, kind: number, sameBlock: boolean): Parsing<void> {
    if (kind !== FILLED && kind !== WHOLE && kind !== DIFFERENCE && kind !== COMPRESSED) {
      const expected = 'a page, a list of blocks or the end of the section';
      throw this.#error('CORRUPT', 'this is not a RAM record', at, expected, `flags 0x${kind.toString(16)}`);
    }
    if (!sameBlock) yield* this.#blockName();
    else if (!this.#hasBlock) {
      throw this.#error(
        'CORRUPT',
        'a RAM page names no block',
        at,
        'the name of a block',
        'the block of the previous page',
      );
    }
    if (kind === WHOLE) {
      this.#pages.whole += 1;
      yield* this.#feed.skip(this.#pageSize, 'a page of RAM');
    } else if (kind === FILLED) {
      this.#pages.filled += 1;
      yield* this.#feed.skip(1, 'the byte that fills a page');
    } else {
      this.#pages.compressed += 1;
      yield* this.#compressed(kind);
    }
  }

  *#compressed(kind: number): Parsing<void> {
    if (kind === DIFFERENCE) yield* this.#feed.skip(1, 'the kind of a difference');
    const at = this.#feed.position;
    const length = kind === DIFFERENCE ? yield* this.#feed.u16('a length') : yield* this.#feed.u32('a length');
    if (length > MAX_COMPRESSED_BYTES) {
      const expected = `at most ${MAX_COMPRESSED_BYTES} bytes`;
      throw this.#error('CORRUPT', 'a compressed RAM page is too long', at, expected, `${length}`);
    }
    yield* this.#feed.skip(length, 'a compressed page of RAM');
  }

  *#blockName(): Parsing<void> {
    const at = this.#feed.position;
    const name = yield* this.#feed.text('the name of a block of RAM');
    if (!this.#blocks.has(name)) {
      const found = JSON.stringify(printable(name));
      throw this.#error('CORRUPT', 'a RAM page names an unknown block', at, 'a block of the block list', found);
    }
    this.#hasBlock = true;
  }

  *#blockList(at: number, total: bigint): Parsing<void> {
    let left = total;
    for (let count = 0; left > 0n; count += 1) {
      if (count === QEVM_LIMITS.ramBlocks) {
        const expected = `at most ${QEVM_LIMITS.ramBlocks}`;
        throw this.#error('LIMIT_EXCEEDED', 'too many RAM blocks', this.#feed.position, expected, 'more');
      }
      const name = yield* this.#feed.text('the name of a block of RAM');
      const bytes = yield* this.#feed.u64('the length of a block of RAM');
      if (this.#ignoreShared) yield* this.#feed.skip(8, 'the address of a block of RAM');
      if (bytes > left) {
        const expected = `blocks of ${total} bytes in total`;
        throw this.#error(
          'CORRUPT',
          'the RAM blocks are longer than their total',
          at,
          expected,
          `another block of ${bytes} bytes`,
        );
      }
      left -= bytes;
      this.#blocks.set(name, { name, bytes: Number(bytes) });
    }
  }

  #error(code: 'CORRUPT' | 'LIMIT_EXCEEDED', message: string, at: number, expected: string, found: string): Error {
    return parseError(code, message, this.#location, at, expected, found);
  }
}
