/**
 * Being told by inotify that a process of this kernel has written to a file or device node.
 *
 * It is told of what goes through that node: of writes to /dev/loop0 by a watch on /dev/loop0, not on the file behind it (measured, Linux
 * 6.18).
 */
import { watch } from 'node:fs';

/** Calls `onWrite` soon after each write, or some of them, until the returned function is called. A hint: where it cannot, it never calls. */
export function watchWrites(path: string, onWrite: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, onWrite);
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    // It has lost its name, or inotify its last watch: the waiting ladder finds the write a little later.
    return () => undefined;
  }
}
