/** The harness's own look into a QEMU: commands one after the other, over a monitor that is no test's subject. */
import { type Message, QmpConnection } from './qmp-connection.js';

/** QEMU has hung up: it has ended, or is about to. */
export class MonitorGone extends Error {}

export class Monitor {
  readonly #connection: QmpConnection;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(connection: QmpConnection) {
    this.#connection = connection;
  }

  /** Connects as soon as the socket is there; gives up when `alive()` does. */
  static async open(path: string, alive: () => boolean): Promise<Monitor> {
    const monitor = new Monitor(await QmpConnection.open(path, alive));
    await monitor.#connection.next();
    await monitor.command('qmp_capabilities');
    return monitor;
  }

  /** Every event so far that came before the reply to the last command. */
  get events(): readonly Message[] {
    return this.#connection.events;
  }

  /** What the command returns; throws what QEMU says is wrong. */
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
