/** A copy of `bytes` with one bit changed; bit 0 is the lowest of the first byte. */
export function withFlippedBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const place = bit >> 3;
  copy[place] = (copy[place] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
