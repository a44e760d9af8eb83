/** Runs a QEMU for measurements, with a minimal QMP client. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { isInstalled } from './machine.js';
import { now } from './processes.js';

const QEMU = 'qemu-system-x86_64';

export const hasQemu = (): boolean => isInstalled(QEMU);

/** Runs `use` while a QEMU listens on each of `monitors`. */
export async function withQemu<T>(
  monitors: readonly string[],
  args: readonly string[],
  use: () => Promise<T>,
): Promise<T> {
  const sockets = monitors.flatMap((path) => ['-qmp', `unix:${path},server=on,wait=off`]);
  const qemu: ChildProcess = spawn(QEMU, ['-nodefaults', '-display', 'none', ...args, ...sockets], { stdio: 'ignore' });
  try {
    await Promise.all(monitors.map(waitForDevice));
    return await use();
  } finally {
    qemu.kill('SIGKILL');
    await once(qemu, 'exit');
    // A killed QEMU leaves its sockets behind.
    for (const path of monitors) rmSync(path, { force: true });
  }
}

interface Message {
  readonly event?: string;
  readonly data?: { readonly status?: string };
  readonly error?: { readonly desc: string };
}

/** A QMP client that sends one command at a time and waits for its reply. */
export class Client {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async open(path: string): Promise<Client> {
    const socket = connect({ path });
    await once(socket, 'connect');
    const client = new Client(socket);
    await client.#lines.next();
    await client.command('qmp_capabilities');
    return client;
  }

  /** Sends a command. @returns the time until the reply, in milliseconds. @throws Error: with QEMU's message */
  async command(execute: string, args: object = {}): Promise<number> {
    const start = now();
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\r\n`);
    for (;;) {
      const message = await this.#message();
      if (message.error !== undefined) throw new Error(`${execute}: ${message.error.desc}`);
      if (message.event === undefined) return now() - start;
    }
  }

  /** Waits for the end of a migration. @throws Error: when it has failed */
  async migrated(): Promise<void> {
    for (;;) {
      const { event, data } = await this.#message();
      if (event === 'MIGRATION' && data?.status === 'failed') throw new Error('the migration failed');
      if (event === 'MIGRATION' && data?.status === 'completed') return;
    }
  }

  async #message(): Promise<Message> {
    return JSON.parse((await this.#lines.next()).value) as Message;
  }

  close(): void {
    this.#socket.destroy();
  }
}

const CONNECT_LIMIT_MS = 10_000;

export async function waitForDevice(path: string): Promise<void> {
  for (const deadline = now() + CONNECT_LIMIT_MS; !existsSync(path); await delay(5)) {
    if (now() > deadline) throw new Error(`${path} did not come`);
  }
}
