/**
 * Finds the messages in a stream of QMP, in either direction.
 *
 *     {"execute": "stop"} \r\n {"execute": ...
 *     '---- whole -------''--' not a message: passed on by whoever passes on
 *
 * QMP has no framing: a message ends where its braces close, and one may come in pieces or together with others. What
 * counts as its end is what QEMU's own parser takes for it (qobject/json-streamer.c, json-lexer.c): brackets are counted
 * apart from braces, strings may stand in single quotes, and a control character in a string or a byte 0xff makes the
 * parser forget what it has. The pieces, in order, are the input, byte for byte.
 */

/** A stretch of the stream. */
export interface Fragment {
  /** Exactly one message, from brace to brace. Else: what stands between two, or a part of one beyond the limit. */
  readonly whole: boolean;
  readonly bytes: Uint8Array;
}

export function textOf({ bytes }: Fragment): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const FIRST_PRINTABLE = 0x20;
const RESET = 0xff;

export class MessageSplitter {
  readonly #limit: number;
  /** The beginning of a message whose end has not come yet: the first bytes of this. */
  #held: Uint8Array = new Uint8Array(0);
  #heldBytes = 0;
  /** The message under way is beyond the limit: it is passed on as it comes. */
  #overlong = false;
  #braces = 0;
  #brackets = 0;
  #quote = 0;
  #escaped = false;

  /** @param limit bytes of a message that is held until it is whole */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of the message that is not whole yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A message beyond the limit is under way, and what came of it was handed out. */
  get passingOn(): boolean {
    return this.#overlong;
  }

  /** The pieces that `chunk` completes. They are views of it where they can be. */
  push(chunk: Uint8Array): Fragment[] {
    const fragments: Fragment[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const before = this.#inMessage;
      const reset = this.#step(chunk[at] ?? 0);
      const inside = this.#inMessage;
      if (!before && inside) {
        if (at > from) fragments.push({ whole: false, bytes: chunk.subarray(from, at) });
        from = at;
      } else if (before && !inside) {
        this.#take(fragments, chunk.subarray(from, at + 1), !reset);
        from = at + 1;
      }
    }
    const rest = chunk.subarray(from);
    if (rest.length === 0) return fragments;
    if (!this.#inMessage) fragments.push({ whole: false, bytes: rest });
    else this.#hold(fragments, rest);
    return fragments;
  }

  get #inMessage(): boolean {
    return this.#braces > 0 || this.#brackets > 0;
  }

  /** Moves on by one byte; true when the parser gives up the message that it is in. */
  #step(byte: number): boolean {
    if (byte === RESET || (this.#quote !== 0 && byte < FIRST_PRINTABLE)) {
      this.#forget();
      return true;
    }
    if (this.#quote !== 0) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === this.#quote) this.#quote = 0;
      return false;
    }
    if (byte === QUOTE || byte === APOSTROPHE) this.#quote = byte;
    else if (byte === OPEN_BRACE) this.#braces += 1;
    else if (byte === CLOSE_BRACE) this.#braces -= 1;
    else if (byte === OPEN_BRACKET) this.#brackets += 1;
    else if (byte === CLOSE_BRACKET) this.#brackets -= 1;
    else return false;
    if (this.#braces >= 0 && this.#brackets >= 0) return false;
    // More closed than opened: QEMU takes that for the end of a (wrong) message.
    this.#forget();
    return true;
  }

  #forget(): void {
    this.#braces = 0;
    this.#brackets = 0;
    this.#quote = 0;
    this.#escaped = false;
  }

  /** The message that was under way is over with `last`. */
  #take(fragments: Fragment[], last: Uint8Array, complete: boolean): void {
    const bytes = this.#joined(last);
    fragments.push({ whole: complete && !this.#overlong && bytes.length <= this.#limit, bytes });
    this.#overlong = false;
  }

  #hold(fragments: Fragment[], rest: Uint8Array): void {
    this.#overlong ||= this.#heldBytes + rest.length > this.#limit;
    if (this.#overlong) fragments.push({ whole: false, bytes: this.#joined(rest) });
    else this.#keep(rest);
  }

  /** What was held and `last`, as one; nothing is held after it. */
  #joined(last: Uint8Array): Uint8Array {
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#held = new Uint8Array(0);
    this.#heldBytes = 0;
    return held.length === 0 ? last : Buffer.concat([held, last]);
  }

  /** Copies, since the chunk is its reader's again after this; into a buffer that grows in doubles, whatever the pieces. */
  #keep(rest: Uint8Array): void {
    const length = this.#heldBytes + rest.length;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.min(this.#limit, 2 * length));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(rest, this.#heldBytes);
    this.#heldBytes = length;
  }
}
