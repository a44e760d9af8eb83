/**
 * Reads a QEMU state, in pieces as they come.
 *
 *     "QEVM" 3
 *     0x07 configuration                          |  walked: each says where it ends
 *     0x08 command ...                            |
 *     { 0x01, 0x02, 0x03: RAM [0x7e footer] } ... |  pages are passed over, never kept
 *     { 0x04 device [0x7e footer] } ...           |
 *     0x00                                        |  the device part: kept, and split when the state has ended
 *     [0x06 description]                          |
 *
 * (QEMU's migration/savevm.c, `qemu_loadvm_state_main`.) How long the body of a device is, only QEMU knows. What there is
 * to tell by is at the end: a description has the length of each; footers, if there are any, can be checked once all is
 * there; without either the split is inferred. So the device part is kept, up to a limit, and nothing else is.
 */
import { StubferryError } from '../../base/errors/index.js';
import { ByteFeed, type Parsing } from './byte-feed.js';
import { QEVM_LIMITS } from './limits.js';
import type { QevmState } from './state.js';
import { StateParser } from './state-parser.js';

export interface ReaderOptions {
  /** Added to offsets in errors: where the state's first byte is within its container. */
  readonly offset?: number;
  /** Bytes of the whole state, where that is known: room is made once, then. */
  readonly expectedBytes?: number;
  /** Refuse a larger device part. */
  readonly maxDeviceBytes?: number;
}

export class QevmReader {
  readonly #feed: ByteFeed;
  readonly #parsing: Parsing<QevmState>;
  #state: QevmState | undefined;

  /** @param where the source, for messages */
  constructor(where: string, options: ReaderOptions = {}) {
    const location = { where, base: options.offset ?? 0 };
    this.#feed = new ByteFeed(where, location.base, options.expectedBytes);
    this.#parsing = new StateParser(this.#feed, location, options.maxDeviceBytes ?? QEVM_LIMITS.deviceBytes).state();
  }

  /** The next bytes. They may be changed afterwards. @throws StubferryError */
  push(bytes: Uint8Array): void {
    this.#feed.offer(bytes);
    this.#go();
  }

  /** There are no more. @throws StubferryError */
  finish(): QevmState {
    this.#feed.end();
    this.#go();
    if (this.#state === undefined) throw new StubferryError('INTERNAL', 'the QEVM reader was used after its end');
    return this.#state;
  }

  #go(): void {
    const { done, value } = this.#parsing.next();
    if (done === true && value !== undefined) this.#state = value;
  }
}

/** Reads a whole state that is in memory. @throws StubferryError */
export function readQevm(bytes: Uint8Array, where: string, options: ReaderOptions = {}): QevmState {
  const reader = new QevmReader(where, options);
  reader.push(bytes);
  return reader.finish();
}
