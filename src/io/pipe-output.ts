/**
 * Outputs to a FIFO, pipe, socket or character device.
 *
 * Data written to these destinations cannot be undone. They are therefore fed only from a spool that holds a complete,
 * verified state.
 */
import { once } from 'node:events';
import { close, constants, open, openSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errnoOf, StubferryError } from '../base/errors/index.js';
import { destinationError } from './destination-error.js';

/** A writer for a destination whose data cannot be undone. */
export interface StreamOutput {
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the output. Resolves when the operating system has accepted all data. */
  end(): Promise<void>;
  /** Closes the destination immediately. A write in progress fails. */
  abort(): void;
}

const RETRY_MS = 10;
const STDERR = 2;

/**
 * An output to a FIFO, pipe or socket.
 * @param fd a descriptor that can be polled; the output owns and closes it
 * @param path the name of the destination, for error messages
 */
export function pipeOutput(fd: number, path: string): StreamOutput {
  return socketOutput(new Socket({ fd, readable: false, writable: true }), path);
}

/**
 * An output to a Node socket.
 * @param socket the socket, which the output owns and closes
 * @param path the name of the destination, for error messages
 */
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
 * Opens a FIFO for writing as soon as it has a reader. Linux refuses a non-blocking open for writing without a reader
 * (ENXIO), so this function retries the open.
 * @param waitMs how long to wait for a reader, in milliseconds
 * @throws StubferryError DESTINATION_GONE: when the FIFO has no reader within `waitMs`
 * @throws StubferryError DESTINATION_UNWRITABLE: when the FIFO cannot be opened
 */
export async function openFifo(path: string, waitMs: number): Promise<StreamOutput> {
  for (let waited = 0; ; waited += RETRY_MS) {
    try {
      return pipeOutput(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), path);
    } catch (cause) {
      if (errnoOf(cause) !== 'ENXIO') throw destinationError(path, cause, true);
      if (waited >= waitMs) throw noReader(path, waitMs, cause);
    }
    await delay(RETRY_MS);
  }
}

function noReader(path: string, waitMs: number, cause: unknown): StubferryError {
  return new StubferryError('DESTINATION_GONE', 'the FIFO has no reader', {
    where: path,
    expected: `a reader within ${waitMs} ms`,
    found: 'none',
    hint: 'start the reader (for example QEMU with -incoming) before or during the restore',
    cause,
  });
}

/**
 * An output to a regular file or character device.
 * @param fd a descriptor that cannot be polled; the output owns it, and closes it unless it is a standard
 * descriptor (0 to 2)
 * @param path the name of the destination, for error messages
 */
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

/**
 * Opens a character device such as a terminal or /dev/full.
 * @throws StubferryError DESTINATION_UNWRITABLE: when the device cannot be opened
 */
export async function openCharacterDevice(path: string): Promise<StreamOutput> {
  const fd = await promisify(open)(path, constants.O_WRONLY).catch((cause: unknown) => {
    throw destinationError(path, cause, true);
  });
  return descriptorOutput(fd, path);
}
