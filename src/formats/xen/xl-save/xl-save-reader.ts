/**
 * Walks a file that `xl save` wrote, to its end.
 *
 *     header | config | libxl stream [ ... libxc stream ... emulator context ... ] | end of file
 */

import type { Cursor, PullParser } from '../../pull-parser/index.js';
import { LibxlReader } from '../libxl-stream/index.js';
import { guestTypeIn } from './config.js';
import { takeConfig, takeXlHeader, type XlHeader } from './header.js';
import type { XlConfig, XlSaveSummary } from './summary.js';

export class XlSaveReader {
  readonly #cursor: Cursor;
  readonly #libxl: LibxlReader;
  #header: XlHeader | undefined;
  #config: XlConfig | undefined;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#libxl = new LibxlReader(cursor);
  }

  /** What was found so far: of a damaged file, all before the damage. Undefined before the header. */
  get summary(): XlSaveSummary | undefined {
    if (this.#header === undefined) return undefined;
    const { byteOrder, mandatoryFlags, optionalFlags } = this.#header;
    const libxl = this.#libxl.summary;
    return { kind: 'xl-save', byteOrder, mandatoryFlags, optionalFlags, config: this.#config, libxl };
  }

  /** @throws StubferryError TRUNCATED, CORRUPT, UNSUPPORTED_VERSION, UNKNOWN_RECORD, LIMIT_EXCEEDED */
  *parse(): PullParser<void> {
    this.#header = yield* takeXlHeader(this.#cursor);
    this.#config = yield* takeConfig(this.#cursor, this.#header);
    const type = this.#config === undefined ? undefined : guestTypeIn(this.#cursor, this.#config);
    yield* this.#libxl.parse();
    // libxl writes one for every HVM guest; without it the guest would come back with devices as after power-on.
    if (type === 'hvm' && this.#libxl.summary?.emulatorContext === undefined) {
      throw this.#cursor.error('CORRUPT', 'the xl save file has no emulator context', {
        expected: 'an EMULATOR_CONTEXT record, since the config is that of an HVM guest',
        found: 'END without one',
      });
    }
    yield* this.#cursor.expectEnd('xl save file');
  }
}
