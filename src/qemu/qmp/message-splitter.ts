/**
 * Splits a QMP stream, of either direction, into messages.
 *
 *     {"execute": "stop"} \r\n {"execute": ...
 *     '---- whole -------''--' between two messages: a proxy forwards it unchanged
 *
 * QMP has no framing: a message ends where its braces close. One message may arrive in several chunks, and one chunk
 * may contain several messages. The splitter finds the end of a message as QEMU's own parser does
 * (qobject/json-streamer.c, json-lexer.c): it counts brackets separately from braces, accepts strings in single quotes,
 * and resets at a control character in a string or at a byte 0xff. The fragments, in order, are the input, byte for
 * byte.
 */

/** A fragment of the stream. */
export interface Fragment {
  /**
   * True for exactly one message, brace to brace; false for bytes between messages or a part of an oversized message.
   */
  readonly whole: boolean;
  readonly bytes: Uint8Array;
}

/** The fragment as UTF-8 text. */
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

/** A push parser: {@link MessageSplitter.push} takes chunks and returns fragments. */
export class MessageSplitter {
  readonly #limit: number;
  /** A growing buffer. Its first `#heldBytes` bytes are the beginning of an incomplete message. */
  #held: Uint8Array = new Uint8Array(0);
  #heldBytes = 0;
  /** The current message is longer than the limit, so its bytes are returned as they arrive. */
  #overlong = false;
  #braces = 0;
  #brackets = 0;
  #quote = 0;
  #escaped = false;

  /** @param limit the largest message, in bytes, that the splitter holds until it is complete */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The number of bytes held of an incomplete message. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether the current message is longer than the limit. Its bytes so far were already returned. */
  get passingOn(): boolean {
    return this.#overlong;
  }

  /** Returns the fragments that `chunk` completes. Where possible they are views of `chunk`. */
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

  /** Consumes one byte. Returns true when the parser discards the current message. */
  #step(byte: number): boolean {
    if (byte === RESET || (this.#quote !== 0 && byte < FIRST_PRINTABLE)) {
      this.#reset();
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
    // More brackets close than were opened: QEMU takes this for the end of an invalid message.
    this.#reset();
    return true;
  }

  #reset(): void {
    this.#braces = 0;
    this.#brackets = 0;
    this.#quote = 0;
    this.#escaped = false;
  }

  /** Ends the current message with `last`. */
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

  /** Returns the held bytes followed by `last`, and clears the held bytes. */
  #joined(last: Uint8Array): Uint8Array {
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#held = new Uint8Array(0);
    this.#heldBytes = 0;
    return held.length === 0 ? last : Buffer.concat([held, last]);
  }

  /** Copies `rest`, because the caller reuses the chunk. The buffer doubles its size, however small the chunks are. */
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
