/** Reads and discards the rest of a source, so that its writer does not block and can finish. */
import type { StateSource } from '../../formats/state-source.js';

const BUFFER_BYTES = 64 * 1024;

/** Resolves at the end of the source or when it is closed. Never rejects. */
export async function drain(source: StateSource): Promise<void> {
  const discarded = new Uint8Array(BUFFER_BYTES);
  try {
    while ((await source.read(discarded)) > 0);
  } catch {
    // The source was closed, or QEMU has exited.
  }
}
