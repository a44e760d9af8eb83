/** Opens the source for an input path: `-` (standard input), a regular file, a FIFO or a character device. */
import { constants, fstat, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { StubferryError } from '../base/errors/index.js';
import type { StateSource } from '../formats/state-source.js';
import { FileSource, unreadable } from './file-source.js';
import { PipeSource } from './pipe-source.js';

const STDIN = 0;
const STDIN_NAME = 'standard input';

/**
 * Opens the input at `path`. The path `-` is standard input. A FIFO is opened immediately, even if it has no writer
 * yet.
 * @throws StubferryError INPUT_UNREADABLE: when the input cannot be opened or is of another kind
 */
export async function openSource(path: string): Promise<StateSource> {
  if (path === '-') {
    const kind = await promisify(fstat)(STDIN);
    // The inherited descriptor must be used: other processes may have read the preceding bytes already.
    return kind.isFIFO() || kind.isSocket() ? PipeSource.of(STDIN, STDIN_NAME) : new FileSource(STDIN, STDIN_NAME);
  }
  const kind = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (kind.isFIFO()) return PipeSource.of(openFifo(path), path);
  if (kind.isFile() || kind.isCharacterDevice()) return FileSource.open(path);
  throw new StubferryError('INPUT_UNREADABLE', 'the input is neither a file nor a pipe', {
    where: path,
    expected: 'a file, a FIFO or a character device',
    found: kind.isDirectory() ? 'a directory' : 'a block device or socket',
  });
}

/** Opens a FIFO without blocking. A blocking open would stop the event loop until a writer opens the FIFO. */
function openFifo(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
