/**
 * /dev/xen/xenbus: xenstore through the kernel of this domain, a character device.
 *
 *     requests   --write(2), one message each-->  /dev/xen/xenbus
 *     replies    <--pipe--  cat  <--read(2)--     (the same open file)
 *
 * Linux (drivers/xen/xenbus/xenbus_dev_frontend.c) gives each open file a queue of its own. read(2) waits until something is in
 * it, for as long as that takes. Ways to wait for it in Node, and what is wrong with them:
 *
 * - `fs.read`: the wait takes one of libuv's four threads for ever, and a process with a thread that waits cannot end.
 * - a Worker with `fs.readSync`: not one of the four, but it cannot be ended either until something comes, so `process.exit()`
 *   hangs; and a heap of its own takes 10 MB of a small stubdom.
 * - O_NONBLOCK and looking again and again: each look costs 0.1 ms of CPU, and an event is late by the interval between two.
 * - poll(2), which the device knows: Node hands no descriptor of a device to libuv's poll (`net.Socket` takes sockets, pipes and
 *   terminals). An addon could; it would be one more to compile and to carry into the stubdom.
 *
 * So the waiting is done by a child: `cat`, busybox' or another, reads the very same open file and writes into a pipe, which Node
 * can wait for. It is killed with the connection. When this process is killed instead, it ends at the next event, by SIGPIPE;
 * until then it keeps this file's watches, and nothing else.
 *
 * A request must be one write(2), and with its header no longer than 4096 bytes. What the kernel refuses itself, such as a watch that
 * is there already, is the error of that write and has no reply.
 *
 * One request at a time: write(2) comes back when the request is queued, and the queue refers to the buffer of the open file
 * (xenbus_dev_request_and_reply in xenbus_xs.c), which the next write(2) fills anew. Measured with Linux 6.1: of 200 WRITEs that were written
 * one behind the other, 28 were never made, others twice, and each of them was acknowledged.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { close, constants, open, write } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf } from '../../base/errors/index.js';
import { type Receiver, type Transport, unreachable } from './transport.js';
import { HEADER_LENGTH, PAYLOAD_MAX } from './wire/message.js';

/** @throws StubferryError XENSTORE_UNREACHABLE; the reason of an abort */
export async function openXenbus(path: string, receiver: Receiver, signal: AbortSignal): Promise<Transport> {
  signal.throwIfAborted();
  const fd = await promisify(open)(path, constants.O_RDWR | constants.O_NOCTTY).catch((cause: unknown) => {
    throw unreachable(path, errnoOf(cause), cause);
  });
  const pump = spawn('cat', [], { stdio: [fd, 'pipe', 'ignore'] });
  const ended = once(pump, 'close').catch(() => undefined);
  const end = (): void => void pump.kill('SIGKILL');
  try {
    await once(pump, 'spawn', { signal });
  } catch (cause) {
    end();
    await promisify(close)(fd);
    signal.throwIfAborted();
    throw unreachable(path, `no program 'cat' to wait for it: ${errnoOf(cause)}`, cause);
  }
  pump.on('error', () => undefined);
  process.on('exit', end);
  const over = (): void => receiver.onEnd(new Error(endOf(pump)));
  pump.stdout?.on('data', receiver.onBytes);
  pump.on('close', over);

  let isClosed = false;
  let unwritten = 0;
  let last: Promise<unknown> = Promise.resolve();
  const writeNext = async (message: Uint8Array): Promise<void> => {
    // The number of a closed descriptor may be another file's by now.
    if (!isClosed) await writeWhole(fd, message);
  };
  return {
    payloadMax: PAYLOAD_MAX - HEADER_LENGTH,
    isPipelined: false,
    isReplaceable: false,
    send: (message) => {
      unwritten += 1;
      // A reply may come before the write that asked for it has come back.
      const sent = last.then(() => writeNext(message)).finally(() => (unwritten -= 1));
      last = sent.catch(() => undefined);
      return sent;
    },
    close: async () => {
      isClosed = true;
      process.off('exit', end);
      pump.stdout?.off('data', receiver.onBytes);
      pump.off('close', over);
      end();
      await ended;
      const closed = last.then(() => promisify(close)(fd));
      // A write that the kernel does not come back from holds the file, and nothing can be done about it.
      if (unwritten === 0) await closed;
    },
  };
}

async function writeWhole(fd: number, message: Uint8Array): Promise<void> {
  const { bytesWritten } = await promisify(write)(fd, message);
  if (bytesWritten !== message.length) throw Object.assign(new Error('written in part'), { code: 'EIO' });
}

function endOf({ exitCode, signalCode }: ChildProcess): string {
  return `the device ended ('cat' ${signalCode === null ? `with status ${exitCode}` : `by ${signalCode}`})`;
}
