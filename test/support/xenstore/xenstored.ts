/**
 * Debian's xenstored 4.17 in a directory of its own: the real program, with dom0 and the domains that a test
 * introduces, and without Xen.
 *
 *     const xenstored = await startXenstored();
 *     XenstoreClient.connect({ path: xenstored.socket })                    in dom0
 *     XenstoreClient.connect({ path: await xenstored.introduce(7) })        in domain 7, with a character device
 *                                                                           like /dev/xen/xenbus
 *
 * hypervisor.c implements the hypervisor calls that it makes.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Need } from '../blockdev-utils/as-root.js';
import { sendToXenstored, untilListening } from './raw-request.js';

const PROGRAM = '/usr/lib/xen-4.17/bin/xenstored';
const HYPERVISOR = fileURLToPath(new URL('hypervisor.c', import.meta.url));

const programs = (process.env['PATH'] ?? '').split(delimiter);

/** For `describeWith`. */
export const XENSTORED: readonly Need[] = [
  { what: `${PROGRAM} (apt install --no-install-recommends xen-utils-4.17)`, isThere: existsSync(PROGRAM) },
  { what: 'a C compiler (gcc)', isThere: programs.some((directory) => existsSync(join(directory, 'gcc'))) },
];

export interface Xenstored {
  /** Path of the socket in dom0. */
  readonly socket: string;
  readonly isRunning: boolean;
  /**
   * Introduces a domain with an id from 1 to 63.
   * @returns the path of its xenbus device, for one client at a time
   */
  introduce(domid: number): Promise<string>;
  /** Ends the domain, if it is running: xenstored removes its nodes and its xenbus device. */
  release(domid: number): Promise<void>;
  /** Kills xenstored, like a crash. */
  kill(): Promise<void>;
  /** Starts another xenstored with an empty store in its place. */
  restart(): Promise<void>;
  /** Stops xenstored from replying until {@link thaw}. */
  freeze(): void;
  thaw(): void;
  /** Ends xenstored and removes its directory. */
  stop(): Promise<void>;
}

/** Types of requests that only a toolstack sends, and their arguments. */
const INTRODUCE = 8;
const RELEASE = 9;
const ANY_PAGE = '1';
const ANY_PORT = '1';

export async function startXenstored(): Promise<Xenstored> {
  const directory = await mkdtemp(join(tmpdir(), 'xenstored-'));
  const hypervisor = join(directory, 'hypervisor.so');
  await promisify(execFile)('gcc', ['-shared', '-fPIC', '-O1', '-pthread', '-o', hypervisor, HYPERVISOR]);
  const socket = join(directory, 'socket');

  const start = async (): Promise<ReturnType<typeof spawn>> => {
    const env = { LD_PRELOAD: hypervisor, XENSTORED_RUNDIR: directory };
    const xenstored = spawn(PROGRAM, ['--no-fork'], { env, stdio: 'ignore' });
    await once(xenstored, 'spawn');
    await untilListening(socket);
    return xenstored;
  };
  let xenstored = await start();
  const present = new Set<number>();
  const isRunning = (): boolean => xenstored.exitCode === null && xenstored.signalCode === null;
  const kill = async (): Promise<void> => {
    present.clear();
    if (!isRunning()) return;
    const ended = once(xenstored, 'exit');
    xenstored.kill('SIGKILL');
    await ended;
    await rm(socket, { force: true });
  };
  return {
    socket,
    get isRunning() {
      return isRunning();
    },
    introduce: async (domid) => {
      await sendToXenstored(socket, INTRODUCE, String(domid), ANY_PAGE, ANY_PORT);
      present.add(domid);
      return join(directory, `domain-${domid}`);
    },
    release: async (domid) => {
      if (present.delete(domid)) await sendToXenstored(socket, RELEASE, String(domid));
    },
    kill,
    restart: async () => {
      await kill();
      xenstored = await start();
    },
    freeze: () => void xenstored.kill('SIGSTOP'),
    thaw: () => void xenstored.kill('SIGCONT'),
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
