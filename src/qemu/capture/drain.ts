/** Takes what still comes and drops it, so that whoever writes it is not kept waiting, and comes to its end. */
import type { StateSource } from '../../formats/state-source.js';

const AT_ONCE_BYTES = 64 * 1024;

/** Resolves at the end of the source, or when it is closed; never rejects. */
export async function drain(source: StateSource): Promise<void> {
  const nowhere = new Uint8Array(AT_ONCE_BYTES);
  try {
    while ((await source.read(nowhere)) > 0);
  } catch {
    // It was closed, or QEMU is gone: nothing more comes.
  }
}
