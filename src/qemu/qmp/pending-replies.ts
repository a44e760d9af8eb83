/** The commands that wait for a reply, by their ids. */
import { StubferryError } from '../../base/errors/index.js';
import type { ServerMessage } from './message.js';
import type { ExecuteOptions } from './monitor.js';
import { refused } from './qmp-error.js';

interface Waiting {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly stop: () => void;
  /** The caller has stopped waiting. The entry stays, so that a late reply is still recognized. */
  abandoned: boolean;
}

/** Matches replies to commands and limits the time of each wait. */
export class PendingReplies {
  readonly #where: string;
  readonly #waiting = new Map<string, Waiting>();
  #closed: StubferryError | undefined;

  constructor(where: string) {
    this.#where = where;
  }

  /** The name of the oldest command whose reply is awaited, for messages. */
  get oldest(): string | undefined {
    for (const { command, abandoned } of this.#waiting.values()) if (!abandoned) return command;
    return undefined;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /**
   * Waits for the reply.
   * @throws StubferryError QMP_TIMEOUT, QEMU_REFUSED; the error given to {@link close}; the signal's reason after an
   * abort
   */
  wait(id: string, command: string, { timeoutMs, signal }: ExecuteOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) throw this.#closed;
      const abandon = (error: unknown): void => {
        waiting.abandoned = true;
        waiting.stop();
        reject(error);
      };
      const late = (): void => abandon(timedOut(this.#where, command, timeoutMs ?? 0));
      const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
      const onAbort = (): void => abandon(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const stop = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiting: Waiting = { command, resolve, reject, stop, abandoned: false };
      this.#waiting.set(id, waiting);
    });
  }

  /** Settles the command that `message` replies to. @returns false when there is none */
  settle(message: ServerMessage): boolean {
    if (message.kind !== 'return' && message.kind !== 'error') return false;
    const waiting = typeof message.id === 'string' ? this.#waiting.get(message.id) : undefined;
    if (waiting === undefined) return false;
    this.#waiting.delete(message.id as string);
    waiting.stop();
    if (message.kind === 'return') waiting.resolve(message.value);
    else waiting.reject(refused(this.#where, waiting.command, message.errorClass, message.desc));
    return true;
  }

  /** Rejects all waiting commands and all later ones with `error`. */
  close(error: StubferryError): void {
    this.#closed ??= error;
    for (const { reject, stop } of this.#waiting.values()) {
      stop();
      reject(error);
    }
    this.#waiting.clear();
  }
}

function timedOut(where: string, command: string, limit: number): StubferryError {
  return new StubferryError('QMP_TIMEOUT', `QEMU did not reply to '${command}'`, {
    where,
    expected: `a reply within ${limit} ms`,
    found: 'none',
    hint: "QEMU's main loop is busy or stuck: check its log and the storage of the guest",
  });
}
