/**
 * Write notifications by inotify for a file or device node.
 *
 * inotify reports only the writes through the watched node. A watch on /dev/loop0 reports the writes to /dev/loop0; a
 * watch on its backing file does not (measured with Linux 6.18).
 */
import { watch } from 'node:fs';

/**
 * Calls `onWrite` soon after a write to `path`, until the caller calls the returned function. Several writes may cause
 * one call. A call is only a hint: where inotify is not available, `onWrite` is never called.
 */
export function watchWrites(path: string, onWrite: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, onWrite);
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    // The path does not exist, or the limit of inotify watches is reached. Polling finds the write a little later.
    return () => undefined;
  }
}
