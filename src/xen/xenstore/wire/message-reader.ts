/** Finds the messages in a stream of bytes that arrives in chunks of any size. Buffers at most one message. */
import { decodeHeader, HEADER_LENGTH, type Message, PAYLOAD_MAX } from './message.js';

/** Splits a stream of bytes into messages. */
export class MessageReader {
  /** Buffer of the message that has not arrived completely: its first bytes. */
  readonly #buffer = new Uint8Array(HEADER_LENGTH + PAYLOAD_MAX);
  #length = 0;

  /**
   * Yields the messages that `chunk` completes.
   * @throws StubferryError XENSTORE_PROTOCOL: the reader cannot be used afterwards
   */
  *push(chunk: Uint8Array): Generator<Message, void> {
    for (let offset = 0; offset < chunk.length; ) {
      const part = chunk.subarray(offset, offset + this.#missing());
      this.#buffer.set(part, this.#length);
      this.#length += part.length;
      offset += part.length;
      if (this.#missing() > 0) continue;
      const { length, ...header } = decodeHeader(this.#buffer);
      this.#length = 0;
      yield { ...header, payload: this.#buffer.slice(HEADER_LENGTH, HEADER_LENGTH + length) };
    }
  }

  /** Bytes until the header, or else the message, is complete. */
  #missing(): number {
    if (this.#length < HEADER_LENGTH) return HEADER_LENGTH - this.#length;
    return HEADER_LENGTH + decodeHeader(this.#buffer).length - this.#length;
  }
}
