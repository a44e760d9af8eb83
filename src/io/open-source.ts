/** Opens what a path names as a source: `-` (standard input), a regular file, a FIFO or another pipe. */
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
 * The name `-` is standard input. A FIFO is opened at once, whether or not somebody writes to it yet.
 * @throws StubferryError INPUT_UNREADABLE
 */
export async function openSource(path: string): Promise<StateSource> {
  if (path === '-') {
    const kind = await promisify(fstat)(STDIN);
    // The descriptor itself: what came before it was read by others already.
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
    found: kind.isDirectory() ? 'a folder' : 'a block device or socket',
  });
}

/** Not blocking: else this would wait, with the whole event loop, for a writer. */
function openFifo(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
