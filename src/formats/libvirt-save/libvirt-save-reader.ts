/**
 * Parses a libvirt save file up to the start of QEMU's migration stream, which continues to the end of the file. The
 * layout is described in header.ts.
 */
import { type Cursor, type PullParser, utf8Text } from '../pull-parser/index.js';
import { type LibvirtHeader, takeLibvirtHeader } from './header.js';
import type { LibvirtSaveSummary } from './summary.js';

/** The pull parser of a libvirt save file. */
export class LibvirtSaveReader {
  readonly #cursor: Cursor;
  #header: LibvirtHeader | undefined;
  #xml: string | undefined;
  #cookie: string | undefined;
  #stateOffset: number | undefined;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** The summary of what was parsed so far. It is undefined before the header was parsed. */
  get summary(): LibvirtSaveSummary | undefined {
    if (this.#header === undefined) return undefined;
    const { finished, version, byteOrder, wasRunning, compression } = this.#header;
    const texts = { xml: this.#xml, cookie: this.#cookie };
    const header = { finished, version, byteOrder, wasRunning, compression };
    return { kind: 'libvirt-save', ...header, ...texts, stateOffset: this.#stateOffset };
  }

  /**
   * Parses the header and the texts.
   *
   * @throws StubferryError TRUNCATED: when the file ends early, or when libvirt did not finish the save; CORRUPT,
   * UNSUPPORTED_VERSION, LIMIT_EXCEEDED: when a field is not valid
   */
  *parse(): PullParser<void> {
    this.#header = yield* takeLibvirtHeader(this.#cursor);
    const { textBytes, cookieOffset, finished } = this.#header;
    const text = Buffer.from(yield* this.#cursor.take(textBytes, 'the XML of a libvirt save file'));
    this.#xml = this.#textIn(text, 0, cookieOffset === 0 ? textBytes : cookieOffset);
    if (cookieOffset !== 0) this.#cookie = this.#textIn(text, cookieOffset, textBytes);
    const { offset } = this.#cursor;
    if (!finished) {
      throw this.#cursor.error('TRUNCATED', 'libvirt had not finished this save', {
        offset: 0,
        expected: '"LibvirtQemudSave"',
        found: '"LibvirtQemudPart"',
        hint: 'the save was interrupted or is still running: save the guest again',
      });
    }
    this.#stateOffset = offset;
  }

  #textIn(bytes: Buffer, from: number, to: number): string {
    const end = bytes.subarray(from, to).indexOf(0);
    const offset = this.#cursor.offset - bytes.length + from;
    if (end !== -1) return utf8Text(this.#cursor, bytes.subarray(from, from + end), offset);
    throw this.#cursor.error('CORRUPT', 'a text in the libvirt save file has no NUL at its end', {
      offset,
      expected: `a NUL within ${to - from} bytes`,
      found: 'none',
    });
  }
}
