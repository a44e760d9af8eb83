/**
 * A QEMU that was started with `-incoming`, and whether it loads what it is given.
 *
 *     inmigrate --state--> loading --> running | paused      LOADED
 *                             '------> failed, or ended      LOAD_FAILED, with QEMU's own sentence
 *
 * That the bytes were taken means little: they may lie in a pipe, and a QEMU that cannot use them ends. QEMU 7.2 says why on
 * its standard error only, so its log is read, from where it stood before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { printable, StubferryError } from '../../base/errors/index.js';
import { QmpClient, queryMigrate, queryStatus } from '../qmp/index.js';
import { QemuLog } from './qemu-log.js';

export interface IncomingQemuOptions {
  /** Path of its monitor. */
  readonly qmp: string;
  /** File that its standard error goes to. */
  readonly log: string | undefined;
  /** How long its monitor may take to be there and to greet, milliseconds: QEMU may be starting. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

const FIRST_POLL_MS = 1;
const LAST_POLL_MS = 20;

export class IncomingQemu {
  readonly #monitor: QmpClient;
  readonly #log: QemuLog | undefined;

  private constructor(monitor: QmpClient, log: QemuLog | undefined) {
    this.#monitor = monitor;
    this.#log = log;
  }

  /** @throws StubferryError QEMU_UNSUITED when it does not wait for a state; QMP_UNREACHABLE, ... */
  static async connect({ qmp, log, waitMs, signal }: IncomingQemuOptions): Promise<IncomingQemu> {
    const monitor = await QmpClient.connect(qmp, { waitMs, greetingMs: waitMs, signal });
    const stop = (): void => monitor.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const { status } = await queryStatus(monitor);
      if (status !== 'inmigrate') throw notWaiting(qmp, status);
      return new IncomingQemu(monitor, log === undefined ? undefined : await QemuLog.from(log));
    } catch (error) {
      monitor.close();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /**
   * Waits for QEMU's word on the state that it is being given.
   * @returns what the guest does from then on: `running`, `paused`, ...
   * @throws StubferryError LOAD_FAILED
   */
  async untilLoaded(): Promise<string> {
    try {
      for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 2, LAST_POLL_MS)) {
        const { status, reason } = await queryMigrate(this.#monitor, { timeoutMs: undefined });
        if (status === 'completed') return (await queryStatus(this.#monitor)).status;
        if (status === 'failed') throw this.#loadFailed(reason ?? (await this.#log?.sentence()));
        await delay(pause);
      }
    } catch (error) {
      if (!(error instanceof StubferryError) || error.code !== 'QEMU_GONE') throw error;
      throw this.#loadFailed(await this.#log?.sentence(), error);
    }
  }

  #loadFailed(sentence: string | undefined, cause?: unknown): StubferryError {
    const said = sentence === undefined ? '' : `: ${printable(sentence)}`;
    return new StubferryError('LOAD_FAILED', `QEMU did not load the state${said}`, {
      where: this.#monitor.path,
      found: cause === undefined ? 'a failed migration' : 'QEMU has ended',
      hint:
        sentence === undefined
          ? 'QEMU says why on its standard error: name the file that it goes to with --qemu-log'
          : 'was the state saved from this machine type, with these devices, by this version of QEMU or an older one?',
      cause,
    });
  }

  close(): void {
    this.#monitor.close();
  }
}

function notWaiting(where: string, found: string): StubferryError {
  return new StubferryError('QEMU_UNSUITED', 'QEMU does not wait for a state', {
    where,
    expected: 'inmigrate: a QEMU that was started with -incoming',
    found,
    hint: 'start QEMU with -incoming, and restore into it once',
  });
}
