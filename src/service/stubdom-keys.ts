/**
 * What dom0 and a stubdom say to each other, in the stubdom's own folder in xenstore (`src/formats/protocol/request.ts`).
 *
 *     request   read here; the stubdom may have written anything
 *     answer    one for each nonce
 *     offer     stands as long as the disk that was prepared
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
  REPLY_KEY,
  REQUEST_KEY,
  type Request,
} from '../formats/protocol/request.js';
import type { XenstoreClient } from '../xen/xenstore/index.js';
import { homeOf } from './device-model.js';

/** A request that was not answered yet. */
export interface OpenRequest {
  /** With which it is answered, even if nothing else of it is understood. */
  readonly nonce: string | undefined;
  /** @throws StubferryError UNSUPPORTED_VERSION, LIMIT_EXCEEDED, PROTOCOL_VIOLATION */
  decode(): Request;
}

/** Methods throw errors of xenstore. */
export class StubdomKeys {
  readonly #xenstore: XenstoreClient;

  constructor(xenstore: XenstoreClient) {
    this.#xenstore = xenstore;
  }

  /** Undefined when there is none, or it was answered: a watch fires for many reasons, and after a restart of this agent too. */
  async openRequest(stubdom: number): Promise<OpenRequest | undefined> {
    const key = `${homeOf(stubdom)}/${REQUEST_KEY}`;
    const text = await this.#xenstore.read(key);
    if (text === undefined) return undefined;
    const nonce = nonceOf(text);
    if (nonce !== undefined && (await this.#isAnswered(stubdom, nonce))) return undefined;
    return { nonce, decode: () => decodeDiskRequest(text, key) };
  }

  async #isAnswered(stubdom: number, nonce: string): Promise<boolean> {
    const key = `${homeOf(stubdom)}/${REPLY_KEY}`;
    const text = await this.#xenstore.read(key);
    if (text === undefined) return false;
    try {
      return decodeReply(text, key).nonce === nonce;
    } catch (error) {
      // The stubdom can write there as well: what is no answer answers nothing.
      if (error instanceof StubferryError) return false;
      throw error;
    }
  }

  answer(stubdom: number, answer: DiskReply): Promise<void> {
    return this.#xenstore.write(`${homeOf(stubdom)}/${REPLY_KEY}`, encodeReply(answer));
  }

  async refuse(stubdom: number, nonce: string, { code, message, details }: StubferryError): Promise<void> {
    const { expected, found } = details;
    const reason = [message, expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join('; ');
    await this.answer(stubdom, { verdict: 'refused', nonce, code, reason });
  }

  offer(stubdom: number, offer: { readonly transferUuid: string; readonly device: string }): Promise<void> {
    return this.#xenstore.write(`${homeOf(stubdom)}/${PRE_ATTACHED_KEY}`, encodePreAttachment(offer));
  }

  withdraw(stubdom: number): Promise<void> {
    return this.#xenstore.remove(`${homeOf(stubdom)}/${PRE_ATTACHED_KEY}`);
  }
}
