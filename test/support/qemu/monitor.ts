/** The harness's own connection to a QEMU. It executes commands one after the other on a monitor that no test uses. */
import { type Message, QmpConnection } from './qmp-connection.js';

/** QEMU has closed the connection: it has exited or is about to exit. */
export class MonitorGone extends Error {}

export class Monitor {
  readonly #connection: QmpConnection;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(connection: QmpConnection) {
    this.#connection = connection;
  }

  /** Connects as soon as the socket exists. Fails when `alive()` returns false. */
  static async open(path: string, alive: () => boolean): Promise<Monitor> {
    const monitor = new Monitor(await QmpConnection.open(path, alive));
    await monitor.#connection.next();
    await monitor.command('qmp_capabilities');
    return monitor;
  }

  /** All events that arrived before the reply to the last command. */
  get events(): readonly Message[] {
    return this.#connection.events;
  }

  /** Executes a command and returns the value of its reply. Throws QEMU's error. */
  command<T>(name: string, args: object = {}): Promise<T> {
    const reply = this.#last.then(async () => {
      await this.#connection.send(`${JSON.stringify({ execute: name, arguments: args })}\n`);
      return this.#connection.reply();
    });
    this.#last = reply.catch(() => undefined);
    return reply.then((message) => {
      if (message === undefined) throw new MonitorGone(`${name}: the monitor is gone`);
      if (message.error !== undefined) throw new Error(`${name}: ${message.error.desc}`);
      return message.return as T;
    });
  }

  close(): void {
    this.#connection.disconnect();
  }
}
