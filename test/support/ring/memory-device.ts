import { ALIGNMENT, alignedBuffer, type BlockDevice } from '../../../src/blockdev-utils/index.js';

/**
 * A disk in memory.
 * @param size bytes; all of them are allocated
 */
export function memoryDevice(size: number): BlockDevice {
  const bytes = alignedBuffer(size);
  const check = (length: number, position: number): void => {
    if (position < 0 || position + length > size)
      throw new RangeError(`${position}+${length} is outside of ${size} bytes`);
  };
  return {
    path: 'a disk in memory',
    size,
    blockSize: ALIGNMENT,
    access: 'buffered',
    read: async (into, position) => {
      check(into.length, position);
      into.set(bytes.subarray(position, position + into.length));
    },
    write: async (from, position) => {
      check(from.length, position);
      bytes.set(from, position);
    },
    flush: async () => undefined,
    stalledFor: () => 0,
    close: async () => undefined,
  };
}
