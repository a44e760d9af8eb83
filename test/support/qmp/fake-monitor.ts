/** A monitor without a socket: what was asked, and answers from the test. */
import type { Monitor } from '../../../src/qemu/qmp/index.js';
import type { AskOptions } from '../../../src/qemu/qmp/monitor.js';

export interface FakeAsked {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number | undefined;
}

export type FakeAnswer = (name: string, args: Readonly<Record<string, unknown>>) => unknown;

export class FakeMonitor implements Monitor {
  readonly path = '/run/fake.sock';
  readonly qemuVersion = '7.2.22';
  readonly asked: FakeAsked[] = [];
  readonly #answer: FakeAnswer;

  constructor(answer: FakeAnswer) {
    this.#answer = answer;
  }

  get names(): string[] {
    return this.asked.map(({ name }) => name);
  }

  async ask(name: string, args: Readonly<Record<string, unknown>>, { timeoutMs }: AskOptions): Promise<unknown> {
    this.asked.push({ name, args, timeoutMs });
    return this.#answer(name, args);
  }
}
