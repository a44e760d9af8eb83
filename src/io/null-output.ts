/** The output for the destination /dev/null. The transfer runs with every check, and its data is dropped. */
import type { ByteOutput } from '../formats/byte-output.js';

/** The device number of /dev/null: major 1, minor 3. */
export const NULL_DEVICE = 0x103;

/** An output that drops all data. */
export const nullOutput: ByteOutput = {
  write: async () => undefined,
  commit: async () => undefined,
  discard: async () => true,
};
