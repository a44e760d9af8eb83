/**
 * Connects to a guest's monitor before the stubdom's end of the vchan has noticed that the previous toolstack has
 * disconnected. libxl, which connects four times for a save, does this when the stubdom is not scheduled for some
 * milliseconds. This program pauses the stubdom instead.
 *
 *     node two-toolstacks.mjs SOCKET STUBDOM
 *
 * Prints how long the second connection waits for the QMP greeting after the stubdom is unpaused, in milliseconds.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const [path = '', stubdom = ''] = process.argv.slice(2);
/** How long dom0's vchan-socket-proxy may take to notice a disconnect or a connection, in milliseconds. */
const NOTICED_MS = 1_000;
/** The timeout for a line, in milliseconds: twice the timeout of libxl. */
const LINE_TIMEOUT_MS = 20_000;

const run = promisify(execFile);

async function line(socket: Socket): Promise<string> {
  const [text] = await once(createInterface(socket), 'line', { signal: AbortSignal.timeout(LINE_TIMEOUT_MS) });
  return `${text}`;
}

const first = createConnection(path);
if (!(await line(first)).startsWith('{"QMP"')) throw new Error('no QMP greeting on the first connection');
first.write('{"execute":"qmp_capabilities"}\r\n');
await line(first);
await run('xl', ['pause', stubdom]);
first.destroy();
await delay(NOTICED_MS);
const second = createConnection(path);
await delay(NOTICED_MS);
const greeting = line(second);
await run('xl', ['unpause', stubdom]);
const since = performance.now();
if (!(await greeting).startsWith('{"QMP"')) throw new Error('no QMP greeting on the second connection');
process.stdout.write(`${Math.round(performance.now() - since)}\n`);
second.destroy();
