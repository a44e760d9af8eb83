/** Writes a destination that appears whole or not at all, whatever fails or is cancelled meanwhile. */
import { untilAborted } from '../../base/time/index.js';
import type { ByteOutput, OpenOutput } from '../../formats/byte-output.js';

/** Bytes that are read and written at once. */
export const COPY_BYTES = 1024 * 1024;

/** @throws whatever `produce` or the destination throws, or the reason of `signal`; nothing is left behind then */
export async function writeWhole(
  open: OpenOutput,
  signal: AbortSignal,
  produce: (output: ByteOutput) => Promise<void>,
): Promise<void> {
  const output = await open();
  try {
    await untilAborted(signal, produce(output));
    await untilAborted(signal, output.commit());
  } catch (error) {
    await output.discard();
    throw error;
  }
}
