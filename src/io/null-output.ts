/** /dev/null as the destination: the whole transfer, with every check, and nothing kept. */
import type { ByteOutput } from '../formats/byte-output.js';

/** Device number of /dev/null: major 1, minor 3. */
export const NULL_DEVICE = 0x103;

export const nullOutput: ByteOutput = {
  write: async () => undefined,
  commit: async () => undefined,
  discard: async () => true,
};
