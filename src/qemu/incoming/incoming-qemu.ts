/**
 * A QEMU that was started with `-incoming`, and whether it loads the state that it receives.
 *
 *     inmigrate --state--> loading --> running | paused      LOADED
 *                             '------> failed, or exited     LOAD_FAILED, with QEMU's own error message
 *
 * It proves little that all bytes were written: they may still be in a pipe, and a QEMU that cannot use them exits.
 * QEMU 7.2 reports the reason only on its standard error, so this class reads QEMU's log from the position at connect
 * time on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { printable, StubferryError } from '../../base/errors/index.js';
import { QmpClient, queryMigrate, queryStatus } from '../qmp/index.js';
import { QemuLog } from './qemu-log.js';

/** Options of {@link IncomingQemu.connect}. */
export interface IncomingQemuOptions {
  /** The path of its monitor socket. */
  readonly qmp: string;
  /** The file that contains its standard error, if known. */
  readonly log: string | undefined;
  /** How long its monitor may take to accept a connection and to greet, in milliseconds: QEMU may still be starting. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

const FIRST_POLL_MS = 1;
const LAST_POLL_MS = 20;

/** A connection to a QEMU that waits for an incoming state. */
export class IncomingQemu {
  readonly #monitor: QmpClient;
  readonly #log: QemuLog | undefined;

  private constructor(monitor: QmpClient, log: QemuLog | undefined) {
    this.#monitor = monitor;
    this.#log = log;
  }

  /**
   * Connects and checks that QEMU waits for a state.
   * @throws StubferryError QEMU_UNSUITED: QEMU does not wait for a state; the errors of `QmpClient.connect`
   */
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
   * Polls QEMU until it reports that it has loaded the state or failed to.
   * @returns the run state of the guest after the load: `running`, `paused`, ...
   * @throws StubferryError LOAD_FAILED
   */
  async untilLoaded(): Promise<string> {
    try {
      for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 2, LAST_POLL_MS)) {
        const { status, reason } = await queryMigrate(this.#monitor, { timeoutMs: undefined });
        if (status === 'completed') return (await queryStatus(this.#monitor)).status;
        if (status === 'failed') throw this.#loadFailed(reason ?? (await this.#log?.message()));
        await delay(pause);
      }
    } catch (error) {
      if (!(error instanceof StubferryError) || error.code !== 'QEMU_GONE') throw error;
      throw this.#loadFailed(await this.#log?.message(), error);
    }
  }

  #loadFailed(reason: string | undefined, cause?: unknown): StubferryError {
    const suffix = reason === undefined ? '' : `: ${printable(reason)}`;
    return new StubferryError('LOAD_FAILED', `QEMU did not load the state${suffix}`, {
      where: this.#monitor.path,
      found: cause === undefined ? 'a failed migration' : 'QEMU has ended',
      hint:
        reason === undefined
          ? 'QEMU reports the reason on its standard error: name its log file with --qemu-log'
          : 'check that the state was saved from this machine type and these devices, by this or an older QEMU',
      cause,
    });
  }

  close(): void {
    this.#monitor.close();
  }
}

function notWaiting(where: string, found: string): StubferryError {
  return new StubferryError('QEMU_UNSUITED', 'QEMU does not wait for an incoming state', {
    where,
    expected: 'inmigrate: a QEMU that was started with -incoming',
    found,
    hint: 'start QEMU with -incoming, and restore into it once',
  });
}
