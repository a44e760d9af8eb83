/**
 * Digests over a whole state: xxh64 and SHA-256, the names by which a state is known outside of stubferry
 * (`sha256sum`, `xxh64sum`). The chain over the frames guards the transfer by itself; these can be left out for a
 * stream of many GiB, where SHA-256 is the slowest part: measured 1.6 GiB/s against 6 to 8 GiB/s of xxh64.
 */
import { createHash, type Hash } from 'node:crypto';
import { StubferryError } from '../../base/errors/index.js';
import { viewOf } from './block.js';
import type { EndRecord, StateDigests } from './records.js';
import { createXxh64, type RunningXxh64 } from './xxh64.js';

export class StateDigest {
  readonly #sha256: Hash | undefined;
  readonly #xxh64: RunningXxh64 | undefined;
  #bytes = 0;
  #frames = 0;

  /** @param whole also compute the digests of the whole, not only count */
  constructor(whole: boolean) {
    this.#sha256 = whole ? createHash('sha256') : undefined;
    this.#xxh64 = whole ? createXxh64() : undefined;
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Data frames so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Takes the payload of one data frame. */
  update(payload: Uint8Array): void {
    this.#bytes += payload.length;
    this.#frames += 1;
    this.#sha256?.update(payload);
    this.#xxh64?.update(payload);
  }

  /** The END record for all that was taken. @param chain over all frames */
  end(chain: bigint): EndRecord {
    return { stateBytes: this.#bytes, dataFrames: this.#frames, chain, digests: this.#digests() };
  }

  #digests(): StateDigests | undefined {
    if (this.#sha256 === undefined || this.#xxh64 === undefined) return undefined;
    const xxh64 = new Uint8Array(8);
    viewOf(xxh64).setBigUint64(0, this.#xxh64.digest());
    return { xxh64, sha256: this.#sha256.digest() };
  }
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

/**
 * Compares what END says with what arrived.
 * @throws StubferryError DIGEST_MISMATCH
 */
export function checkEnd(said: EndRecord, arrived: EndRecord, where: string): void {
  const differs = (what: string, expected: string, found: string): void => {
    if (expected === found) return;
    throw new StubferryError('DIGEST_MISMATCH', `the ${what} of the whole state is not what END says`, {
      where,
      expected,
      found,
      hint: 'do not use this state; save it again',
    });
  };
  differs('length', `${said.stateBytes} bytes`, `${arrived.stateBytes} bytes`);
  differs('count of data frames', `${said.dataFrames}`, `${arrived.dataFrames}`);
  differs('chain', said.chain.toString(16), arrived.chain.toString(16));
  differs('xxh64', hex(said.digests?.xxh64), hex(arrived.digests?.xxh64));
  differs('SHA-256', hex(said.digests?.sha256), hex(arrived.digests?.sha256));
}
