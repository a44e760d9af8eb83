/**
 * Reads a QEMU state in chunks, as they arrive.
 *
 *     "QEVM" 3
 *     0x07 configuration                          |  parsed as the bytes arrive: the format says where
 *     0x08 command ...                            |  each of these ends
 *     { 0x01, 0x02, 0x03: RAM [0x7e footer] } ... |  pages of RAM are skipped and not kept
 *     { 0x04 device [0x7e footer] } ...           |
 *     0x00                                        |  the device sections: kept, and split at the end of the state
 *     [0x06 description]                          |
 *
 * (The source is `qemu_loadvm_state_main` in QEMU's migration/savevm.c.) Only QEMU knows how long the body of a device
 * is. The information that the reader can use is at the end of the state: a description contains the length of each
 * body, and footers, if there are any, can be checked when the state is complete. Without either, the split is
 * inferred. So the reader keeps the device sections, up to a limit, and nothing else.
 */
import { StubferryError } from '../../base/errors/index.js';
import { ByteFeed, type Parsing } from './byte-feed.js';
import { QEVM_LIMITS } from './limits.js';
import type { QevmState } from './state.js';
import { StateParser } from './state-parser.js';

/** Options of {@link QevmReader}. */
export interface ReaderOptions {
  /** Offset of the state's first byte in its container. It is added to the offsets in errors. */
  readonly offset?: number;
  /** Length of the whole state in bytes, if it is known. The reader then allocates its buffer once. */
  readonly expectedBytes?: number;
  /** Largest accepted length of the device sections, in bytes. */
  readonly maxDeviceBytes?: number;
}

/** Reads one QEMU state, chunk by chunk. */
export class QevmReader {
  readonly #feed: ByteFeed;
  readonly #parsing: Parsing<QevmState>;
  #state: QevmState | undefined;

  /** @param where the name of the source, for messages */
  constructor(where: string, options: ReaderOptions = {}) {
    const location = { where, base: options.offset ?? 0 };
    this.#feed = new ByteFeed(where, location.base, options.expectedBytes);
    this.#parsing = new StateParser(this.#feed, location, options.maxDeviceBytes ?? QEVM_LIMITS.deviceBytes).state();
  }

  /**
   * Reads the next bytes. The caller may overwrite them when this method has returned.
   *
   * @throws StubferryError NOT_A_STATE, UNSUPPORTED_VERSION, UNKNOWN_RECORD, CORRUPT, LIMIT_EXCEEDED
   */
  push(bytes: Uint8Array): void {
    this.#feed.supply(bytes);
    this.#resume();
  }

  /**
   * Ends the input: there are no more bytes.
   *
   * @throws StubferryError what {@link QevmReader.push} throws, and TRUNCATED: when the state is not complete
   */
  finish(): QevmState {
    this.#feed.end();
    this.#resume();
    if (this.#state === undefined) throw new StubferryError('INTERNAL', 'the QEVM reader was used after its end');
    return this.#state;
  }

  #resume(): void {
    const { done, value } = this.#parsing.next();
    if (done === true && value !== undefined) this.#state = value;
  }
}

/**
 * Reads a whole state that is in memory.
 *
 * @param where the name of the source, for messages
 * @throws StubferryError what {@link QevmReader.push} and {@link QevmReader.finish} throw
 */
export function readQevm(bytes: Uint8Array, where: string, options: ReaderOptions = {}): QevmState {
  const reader = new QevmReader(where, options);
  reader.push(bytes);
  return reader.finish();
}
