/** The order of bytes that a header declares for what follows it. */
export type ByteOrder = 'little' | 'big';

export function isLittle(order: ByteOrder): boolean {
  return order === 'little';
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A number for a message: `0x00000103`. */
export function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
