/** Writes a destination completely or not at all, even if the work fails or is cancelled. */
import { untilAborted } from '../../base/time/index.js';
import type { ByteOutput, OpenOutput } from '../../formats/byte-output.js';

/** The size of the buffer for copies, in bytes. */
export const COPY_BYTES = 1024 * 1024;

/**
 * Opens a destination, writes it with `produce` and commits it. On failure it discards the destination.
 * @throws any error of `produce` or the destination, or the reason of `signal`
 */
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
