/** The byte order that a header declares for the numbers after it. */
export type ByteOrder = 'little' | 'big';

/** Whether the order is little-endian, as the methods of DataView expect it. */
export function isLittle(order: ByteOrder): boolean {
  return order === 'little';
}

/** Returns a DataView of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Formats a u32 for a message: `0x00000103`. */
export function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
