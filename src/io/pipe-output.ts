/**
 * A FIFO, pipe, socket or character device as the destination. What was written cannot be taken back, so this is
 * only ever fed from a spool, with a state that is already verified.
 */
import { once } from 'node:events';
import { close, constants, open, openSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import { destinationError } from './destination-error.js';

/** A writer of bytes that cannot be taken back. */
export interface StreamOutput {
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when all is handed over. */
  end(): Promise<void>;
  /** Lets go of it at once; a write under way fails. */
  abort(): void;
}

const RETRY_MS = 10;
const STDERR = 2;

/** @param fd a descriptor that can be polled; owned from here on */
export function pipeOutput(fd: number, path: string): StreamOutput {
  return socketOutput(new Socket({ fd, readable: false, writable: true }), path);
}

/** @param socket owned from here on */
export function socketOutput(socket: Socket, path: string): StreamOutput {
  let failure: unknown;
  socket.on('error', (cause) => {
    failure = destinationError(path, cause);
  });
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (cause) => {
          if (cause == null) resolve();
          else reject(failure ?? destinationError(path, cause));
        });
      }),
    end: async () => {
      if (failure !== undefined) throw failure;
      socket.end();
      if (!socket.closed) await once(socket, 'close');
      if (failure !== undefined) throw failure;
    },
    abort: () => void socket.destroy(),
  };
}

/**
 * Opens a FIFO for writing when somebody reads it: before that, Linux refuses a writer that will not block.
 * @throws StubferryError DESTINATION_GONE when no reader comes within `waitMs`, DESTINATION_UNWRITABLE
 */
export async function openFifo(path: string, waitMs: number): Promise<StreamOutput> {
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      return pipeOutput(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), path);
    } catch (cause) {
      if (errnoOf(cause) !== 'ENXIO') throw destinationError(path, cause, true);
      if (waited >= waitMs) throw nobodyReads(path, waitMs, cause);
    }
    await delay(RETRY_MS);
  }
}

function nobodyReads(path: string, waitMs: number, cause: unknown): StubferryError {
  return new StubferryError('DESTINATION_GONE', 'nobody reads the FIFO', {
    where: path,
    expected: `a reader within ${waitMs} ms`,
    found: 'none',
    hint: 'start the reader (QEMU with -incoming, say) before or during the restore',
    cause,
  });
}

/** @param fd a descriptor that cannot be polled: a file or character device; owned from here on, but for the standard ones */
export function descriptorOutput(fd: number, path: string): StreamOutput {
  const failed = (cause: unknown): never => {
    throw destinationError(path, cause);
  };
  return {
    write: async (bytes) => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await promisify(write)(fd, bytes, done, bytes.length - done).catch(failed);
        done += bytesWritten;
      }
    },
    end: async () => {
      if (fd > STDERR) await promisify(close)(fd).catch(failed);
    },
    abort: () => {
      if (fd > STDERR) close(fd, () => undefined);
    },
  };
}

/** A character device such as a terminal or /dev/full. @throws StubferryError DESTINATION_UNWRITABLE */
export async function openCharacterDevice(path: string): Promise<StreamOutput> {
  const fd = await promisify(open)(path, constants.O_WRONLY).catch((cause: unknown) => {
    throw destinationError(path, cause, true);
  });
  return descriptorOutput(fd, path);
}
