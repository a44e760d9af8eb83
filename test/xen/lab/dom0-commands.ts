/** The tests' end of the protocol in `dom0/wire.ts`. It runs commands in dom0. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type End, type Frame, FrameSplitter, frame } from '../dom0/wire.js';
import type { EmulatedClock } from './emulated-clock.js';

export interface CommandEnd {
  /** The exit status. For a command that a signal ended it is 128 or more, as in a shell. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface CommandOptions {
  /** The timeout, in milliseconds of dom0's clock. */
  readonly timeoutMs?: number;
}

/** A command has exceeded its timeout, and was killed. */
export class CommandTimeout extends Error {}
/** dom0 has ended. */
export class Dom0Gone extends Error {}

interface Job {
  readonly stdout: Buffer[];
  readonly stderr: Buffer[];
  readonly settle: (end: End) => void;
  readonly fail: (error: Error) => void;
}

/** The default timeout of a command, in milliseconds of dom0's clock. */
const TIMEOUT_MS = 80_000;
const KILLED_BY_SIGNAL = 137;
const CONNECT_MS = 4_000;

export class Dom0Commands {
  readonly #socket: Socket;
  readonly #slowness: number;
  readonly #jobs = new Map<number, Job>();
  readonly #splitter = new FrameSplitter();
  #last = 0;

  private constructor(socket: Socket, slowness: number) {
    this.#socket = socket;
    this.#slowness = slowness;
    socket.on('data', (chunk) => {
      for (const one of this.#splitter.split(chunk)) this.#take(one);
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      for (const job of this.#jobs.values()) job.fail(new Dom0Gone('the emulated machine has ended'));
    });
  }

  /** Connects to the emulator's end of the port. Call it before dom0 is up, so that dom0 finds the port connected. */
  static async connect(path: string, { slowness }: EmulatedClock): Promise<Dom0Commands> {
    const deadline = Date.now() + CONNECT_MS * slowness;
    for (;;) {
      try {
        return new Dom0Commands(await connected(path), slowness);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(20);
      }
    }
  }

  /** Runs a line of bash in dom0 to its end. @throws CommandTimeout, Dom0Gone */
  async run(command: string, { timeoutMs = TIMEOUT_MS }: CommandOptions = {}): Promise<CommandEnd> {
    this.#last += 1;
    const id = this.#last;
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    const ended = new Promise<End>((settle, fail) => {
      if (this.#socket.closed) fail(new Dom0Gone('the emulated machine has ended'));
      this.#jobs.set(id, { stdout, stderr, settle, fail });
    });
    const late = new AbortController();
    try {
      this.#socket.write(frame('run', id, command));
      const timeout = delay(timeoutMs * this.#slowness, undefined, { signal: late.signal }).then(() => {
        this.#socket.write(frame('kill', id));
        const printed = `${Buffer.concat(stdout)}${Buffer.concat(stderr)}`.slice(-2000);
        throw new CommandTimeout(`timeout after ${timeoutMs} ms of dom0's clock: ${command}\n${printed}`);
      });
      const { status } = await Promise.race([ended, timeout]);
      return { status: status ?? KILLED_BY_SIGNAL, stdout: Buffer.concat(stdout), stderr: `${Buffer.concat(stderr)}` };
    } finally {
      late.abort();
      this.#jobs.delete(id);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take({ type, job: id, payload }: Frame): void {
    const job = this.#jobs.get(id);
    if (type === 'stdout' || type === 'stderr') job?.[type].push(Buffer.from(payload));
    else if (type === 'ended') job?.settle(JSON.parse(`${payload}`) as End);
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
