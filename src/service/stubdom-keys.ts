/**
 * The keys of a stubdom's own xenstore directory with which it and dom0 communicate
 * (`src/formats/protocol/request.ts`).
 *
 *     request   dom0 reads it; the stubdom may have written any value
 *     answer    dom0 writes one reply for each nonce
 *     offer     dom0 announces a pre-attached disk; the key exists as long as the disk
 */

import { StubferryError } from '../base/errors/index.js';
import {
  type DiskReply,
  decodeDiskRequest,
  decodeReply,
  encodePreAttachment,
  encodeReply,
  nonceOf,
  PRE_ATTACHED_KEY,
  type PreAttachment,
  REPLY_KEY,
  REQUEST_KEY,
  type Request,
} from '../formats/protocol/request.js';
import type { XenstoreClient } from '../xen/xenstore/index.js';
import { domainPath } from './device-model.js';

/** A request without a reply. */
export interface OpenRequest {
  /** The nonce for the reply. It is available even if the rest of the request cannot be decoded. */
  readonly nonce: string | undefined;
  /** @throws StubferryError UNSUPPORTED_VERSION, LIMIT_EXCEEDED, PROTOCOL_VIOLATION: as decodeDiskRequest */
  decode(): Request;
}

/** Reads and writes the keys. All methods throw errors of xenstore. */
export class StubdomKeys {
  readonly #xenstore: XenstoreClient;

  constructor(xenstore: XenstoreClient) {
    this.#xenstore = xenstore;
  }

  /**
   * Reads the present request. Returns undefined when there is none or when dom0 already replied to it: a watch fires
   * for many reasons, and also after a restart of the service.
   */
  async openRequest(stubdom: number): Promise<OpenRequest | undefined> {
    const key = `${domainPath(stubdom)}/${REQUEST_KEY}`;
    const text = await this.#xenstore.read(key);
    if (text === undefined) return undefined;
    const nonce = nonceOf(text);
    if (nonce !== undefined && (await this.#hasReply(stubdom, nonce))) return undefined;
    return { nonce, decode: () => decodeDiskRequest(text, key) };
  }

  async #hasReply(stubdom: number, nonce: string): Promise<boolean> {
    const key = `${domainPath(stubdom)}/${REPLY_KEY}`;
    const text = await this.#xenstore.read(key);
    if (text === undefined) return false;
    try {
      return decodeReply(text, key).nonce === nonce;
    } catch (error) {
      // The stubdom can write this key as well, so its value may be invalid.
      if (error instanceof StubferryError) return false;
      throw error;
    }
  }

  /** Replies to the request. */
  reply(stubdom: number, reply: DiskReply): Promise<void> {
    return this.#xenstore.write(`${domainPath(stubdom)}/${REPLY_KEY}`, encodeReply(reply));
  }

  /** Rejects the request. The reply contains the code, the message and the details of the error. */
  async reject(stubdom: number, nonce: string, { code, message, details }: StubferryError): Promise<void> {
    const { expected, found } = details;
    const reason = [message, expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join('; ');
    await this.reply(stubdom, { verdict: 'refused', nonce, code, reason });
  }

  /** Announces a pre-attached disk. */
  announcePreAttached(stubdom: number, disk: PreAttachment): Promise<void> {
    return this.#xenstore.write(`${domainPath(stubdom)}/${PRE_ATTACHED_KEY}`, encodePreAttachment(disk));
  }

  /** Withdraws the announcement of a pre-attached disk. */
  withdrawPreAttached(stubdom: number): Promise<void> {
    return this.#xenstore.remove(`${domainPath(stubdom)}/${PRE_ATTACHED_KEY}`);
  }
}
