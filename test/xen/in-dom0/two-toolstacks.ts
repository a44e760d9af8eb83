/**
 * A toolstack that connects to a guest's monitor before the stubdom's end of the vchan has seen the last one go: as libxl does, four times
 * for a save, when the stubdom is not scheduled for some milliseconds. Here it is paused so long.
 *
 *     node two-toolstacks.mjs SOCKET STUBDOM
 *
 * Prints the milliseconds until the second one is greeted.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const [path = '', stubdom = ''] = process.argv.slice(2);
/** For dom0's proxy to see that one has left, and that one has come. */
const SEEN_MS = 1_000;
/** Twice what libxl waits. */
const PATIENCE_MS = 20_000;

const run = promisify(execFile);

async function line(socket: Socket): Promise<string> {
  const [text] = await once(createInterface(socket), 'line', { signal: AbortSignal.timeout(PATIENCE_MS) });
  return `${text}`;
}

const first = createConnection(path);
if (!(await line(first)).startsWith('{"QMP"')) throw new Error('the first one was not greeted');
first.write('{"execute":"qmp_capabilities"}\r\n');
await line(first);
await run('xl', ['pause', stubdom]);
first.destroy();
await delay(SEEN_MS);
const second = createConnection(path);
await delay(SEEN_MS);
const greeting = line(second);
await run('xl', ['unpause', stubdom]);
const since = performance.now();
if (!(await greeting).startsWith('{"QMP"')) throw new Error('the second one was not greeted');
process.stdout.write(`${Math.round(performance.now() - since)}\n`);
second.destroy();
