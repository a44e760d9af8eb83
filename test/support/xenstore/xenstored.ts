/**
 * Debian's xenstored 4.17 in a folder of its own: the real one, with dom0 and the domains that a test brings in, and without Xen.
 *
 *     const xenstored = await startXenstored();
 *     XenstoreClient.connect({ path: xenstored.socket })                    in dom0
 *     XenstoreClient.connect({ path: await xenstored.introduce(7) })        in domain 7, by a character device as /dev/xen/xenbus is one
 *
 * What it asks of the hypervisor, hypervisor.c answers.
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
import { sayToXenstored, untilListening } from './raw-request.js';

const PROGRAM = '/usr/lib/xen-4.17/bin/xenstored';
const HYPERVISOR = fileURLToPath(new URL('hypervisor.c', import.meta.url));

const programs = (process.env['PATH'] ?? '').split(delimiter);

/** For `describeWith`. */
export const XENSTORED: readonly Need[] = [
  { what: `${PROGRAM} (apt install --no-install-recommends xen-utils-4.17)`, isThere: existsSync(PROGRAM) },
  { what: 'a C compiler (gcc)', isThere: programs.some((folder) => existsSync(join(folder, 'gcc'))) },
];

export interface Xenstored {
  /** Of dom0. */
  readonly socket: string;
  readonly isRunning: boolean;
  /** Brings a domain in, from 1 to 63. @returns the path of its xenbus: for one client at a time */
  introduce(domid: number): Promise<string>;
  /** The domain ends, if it has not: what it owns is removed, and its xenbus with it. */
  release(domid: number): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
  /** Another one in its place, with an empty store. */
  restart(): Promise<void>;
  /** Lets it not answer, and answer again. */
  freeze(): void;
  thaw(): void;
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

/** Types of requests that only a toolstack makes, and their arguments. */
const INTRODUCE = 8;
const RELEASE = 9;
const ANY_PAGE = '1';
const ANY_PORT = '1';

export async function startXenstored(): Promise<Xenstored> {
  const folder = await mkdtemp(join(tmpdir(), 'xenstored-'));
  const hypervisor = join(folder, 'hypervisor.so');
  await promisify(execFile)('gcc', ['-shared', '-fPIC', '-O1', '-pthread', '-o', hypervisor, HYPERVISOR]);
  const socket = join(folder, 'socket');

  const start = async (): Promise<ReturnType<typeof spawn>> => {
    const env = { LD_PRELOAD: hypervisor, XENSTORED_RUNDIR: folder };
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
      await sayToXenstored(socket, INTRODUCE, String(domid), ANY_PAGE, ANY_PORT);
      present.add(domid);
      return join(folder, `domain-${domid}`);
    },
    release: async (domid) => {
      if (present.delete(domid)) await sayToXenstored(socket, RELEASE, String(domid));
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
      await rm(folder, { recursive: true, force: true });
    },
  };
}
