/** A monitor without a socket. It records the commands, and the test provides the replies. */
import type { Monitor } from '../../../src/qemu/qmp/index.js';
import type { ExecuteOptions } from '../../../src/qemu/qmp/monitor.js';

export interface ExecutedCommand {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number | undefined;
}

export type FakeReply = (name: string, args: Readonly<Record<string, unknown>>) => unknown;

export class FakeMonitor implements Monitor {
  readonly path = '/run/fake.sock';
  readonly qemuVersion = '7.2.22';
  readonly commands: ExecutedCommand[] = [];
  readonly #reply: FakeReply;

  constructor(reply: FakeReply) {
    this.#reply = reply;
  }

  get names(): string[] {
    return this.commands.map(({ name }) => name);
  }

  async execute(
    name: string,
    args: Readonly<Record<string, unknown>>,
    { timeoutMs }: ExecuteOptions,
  ): Promise<unknown> {
    this.commands.push({ name, args, timeoutMs });
    return this.#reply(name, args);
  }
}
