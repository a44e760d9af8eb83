/** Returns a copy of `bytes` with one bit flipped. Bit 0 is the lowest bit of the first byte. */
export function withFlippedBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const offset = bit >> 3;
  copy[offset] = (copy[offset] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
