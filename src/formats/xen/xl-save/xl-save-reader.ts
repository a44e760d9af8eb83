/**
 * Parses a file that `xl save` wrote, to its end.
 *
 *     header | config | libxl stream [ ... libxc stream ... emulator context ... ] | end of file
 */

import type { Cursor, PullParser } from '../../pull-parser/index.js';
import { LibxlReader } from '../libxl-stream/index.js';
import { guestTypeIn } from './config.js';
import { takeConfig, takeXlHeader, type XlHeader } from './header.js';
import type { XlConfig, XlSaveSummary } from './summary.js';

/** The pull parser of an xl save file. */
export class XlSaveReader {
  readonly #cursor: Cursor;
  readonly #libxl: LibxlReader;
  #header: XlHeader | undefined;
  #config: XlConfig | undefined;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#libxl = new LibxlReader(cursor);
  }

  /**
   * The summary of what was parsed so far. For a damaged file, it covers everything before the damage. It is undefined
   * before the header was parsed.
   */
  get summary(): XlSaveSummary | undefined {
    if (this.#header === undefined) return undefined;
    const { byteOrder, mandatoryFlags, optionalFlags } = this.#header;
    const libxl = this.#libxl.summary;
    return { kind: 'xl-save', byteOrder, mandatoryFlags, optionalFlags, config: this.#config, libxl };
  }

  /**
   * Parses the whole file.
   *
   * @throws StubferryError TRUNCATED: when the input ends early; CORRUPT: when a part is not valid, when an HVM guest
   * has no emulator context, or when data follows the end; UNKNOWN_RECORD, UNSUPPORTED_VERSION, LIMIT_EXCEEDED: when
   * stubferry cannot read a part
   */
  *parse(): PullParser<void> {
    this.#header = yield* takeXlHeader(this.#cursor);
    this.#config = yield* takeConfig(this.#cursor, this.#header);
    const type = this.#config === undefined ? undefined : guestTypeIn(this.#cursor, this.#config);
    yield* this.#libxl.parse();
    // libxl writes an emulator context for every HVM guest. Without it, a restore would reset the guest's devices.
    if (type === 'hvm' && this.#libxl.summary?.emulatorContext === undefined) {
      throw this.#cursor.error('CORRUPT', 'the xl save file has no emulator context', {
        expected: 'an EMULATOR_CONTEXT record, since the config is that of an HVM guest',
        found: 'END without one',
      });
    }
    yield* this.#cursor.expectEnd('xl save file');
  }
}
