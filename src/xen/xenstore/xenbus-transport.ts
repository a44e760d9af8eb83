/**
 * /dev/xen/xenbus: xenstore through the kernel of this domain, a character device.
 *
 *     requests   --write(2), one message each-->  /dev/xen/xenbus
 *     replies    <--pipe--  cat  <--read(2)--     (the same open file)
 *
 * Linux (drivers/xen/xenbus/xenbus_dev_frontend.c) gives each open file a queue of its own. read(2) blocks until the
 * queue contains something, without a limit. Node could wait for it in these ways, and each has a disadvantage:
 *
 * - `fs.read`: the wait permanently occupies one of libuv's four threads, and a process with a blocked thread cannot
 *   exit.
 * - A Worker with `fs.readSync`: it uses none of the four threads, but it cannot be ended either before something
 *   arrives, so `process.exit()` hangs. Its own heap takes 10 MB of a small stubdom.
 * - O_NONBLOCK and polling: each read costs 0.1 ms of CPU, and an event is delayed by up to the polling interval.
 * - poll(2), which the device supports: Node passes no descriptor of a device to libuv's poll (`net.Socket` accepts
 *   sockets, pipes and terminals). An addon could, but stubferry would have to compile it and install it in the
 *   stubdom.
 *
 * So a child process waits instead: `cat`, from busybox or another package, reads the same open file and writes to a
 * pipe, on which Node can wait. It is killed with the connection. When this process is killed instead, the child ends
 * at the next event, by SIGPIPE. Until that event it only keeps the watches of this file open.
 *
 * A request must be one write(2), and must not be longer than 4096 bytes with its header. When the kernel itself
 * refuses a request, such as a watch that exists already, the write fails and no reply follows.
 *
 * Only one request is sent at a time: write(2) returns when the request is queued, and the queue refers to the buffer
 * of the open file (xenbus_dev_request_and_reply in xenbus_xs.c), which the next write(2) overwrites. Measured with
 * Linux 6.1: of 200 WRITEs that were written one after the other, 28 were never executed, others were executed twice,
 * and each of them was acknowledged.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { close, constants, open, write } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf } from '../../base/errors/index.js';
import { type Receiver, type Transport, unreachable } from './transport.js';
import { HEADER_LENGTH, PAYLOAD_MAX } from './wire/message.js';

/**
 * Opens the device at `path` and starts the child that reads it.
 * @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort
 */
export async function openXenbus(path: string, receiver: Receiver, signal: AbortSignal): Promise<Transport> {
  signal.throwIfAborted();
  const fd = await promisify(open)(path, constants.O_RDWR | constants.O_NOCTTY).catch((cause: unknown) => {
    throw unreachable(path, errnoOf(cause), cause);
  });
  const reader = spawn('cat', [], { stdio: [fd, 'pipe', 'ignore'] });
  const ended = once(reader, 'close').catch(() => undefined);
  const end = (): void => void reader.kill('SIGKILL');
  try {
    await once(reader, 'spawn', { signal });
  } catch (cause) {
    end();
    await promisify(close)(fd);
    signal.throwIfAborted();
    throw unreachable(path, `no program 'cat' to read the device: ${errnoOf(cause)}`, cause);
  }
  reader.on('error', () => undefined);
  process.on('exit', end);
  const over = (): void => receiver.onEnd(new Error(endOf(reader)));
  reader.stdout?.on('data', receiver.onBytes);
  reader.on('close', over);

  let isClosed = false;
  let unwritten = 0;
  let last: Promise<unknown> = Promise.resolve();
  const writeNext = async (message: Uint8Array): Promise<void> => {
    // The number of a closed descriptor may already belong to another file.
    if (!isClosed) await writeWhole(fd, message);
  };
  return {
    payloadMax: PAYLOAD_MAX - HEADER_LENGTH,
    isPipelined: false,
    isReplaceable: false,
    send: (message) => {
      unwritten += 1;
      // The reply may arrive before the write of its request has returned.
      const sent = last.then(() => writeNext(message)).finally(() => (unwritten -= 1));
      last = sent.catch(() => undefined);
      return sent;
    },
    close: async () => {
      isClosed = true;
      process.off('exit', end);
      reader.stdout?.off('data', receiver.onBytes);
      reader.off('close', over);
      end();
      await ended;
      const closed = last.then(() => promisify(close)(fd));
      // A write that does not return from the kernel keeps the file open; nothing can end it.
      if (unwritten === 0) await closed;
    },
  };
}

async function writeWhole(fd: number, message: Uint8Array): Promise<void> {
  const { bytesWritten } = await promisify(write)(fd, message);
  if (bytesWritten !== message.length) throw Object.assign(new Error('incomplete write'), { code: 'EIO' });
}

function endOf({ exitCode, signalCode }: ChildProcess): string {
  return `the device ended ('cat' ${signalCode === null ? `with status ${exitCode}` : `by ${signalCode}`})`;
}
