/** Finds the messages in a stream of bytes, in whatever pieces it comes. Holds one message at most. */
import { decodeHeader, HEADER_LENGTH, type Message, PAYLOAD_MAX } from './message.js';

export class MessageReader {
  /** The message that has not come completely: the first bytes of this. */
  readonly #held = new Uint8Array(HEADER_LENGTH + PAYLOAD_MAX);
  #length = 0;

  /** The messages that `chunk` completes. @throws StubferryError XENSTORE_PROTOCOL; there is no next message then */
  *push(chunk: Uint8Array): Generator<Message, void> {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + this.#missing());
      this.#held.set(piece, this.#length);
      this.#length += piece.length;
      at += piece.length;
      if (this.#missing() > 0) continue;
      const { length, ...header } = decodeHeader(this.#held);
      this.#length = 0;
      yield { ...header, payload: this.#held.slice(HEADER_LENGTH, HEADER_LENGTH + length) };
    }
  }

  /** Bytes until the header, or else the message, is complete. */
  #missing(): number {
    if (this.#length < HEADER_LENGTH) return HEADER_LENGTH - this.#length;
    return HEADER_LENGTH + decodeHeader(this.#held).length - this.#length;
  }
}
