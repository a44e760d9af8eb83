/** Replaces `node:crypto`. Hashes are real; random numbers follow from the seed. */
import { self } from './host.js';

export { createHash } from 'node:crypto';

export function randomBytes(length: number): Buffer {
  return Buffer.from(self().world.random.fill(new Uint8Array(length)));
}

export function randomUUID(): string {
  const hex = randomBytes(16).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
