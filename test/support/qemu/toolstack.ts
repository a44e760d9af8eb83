/**
 * A toolstack as QEMU's monitor sees it: it does what libxl 4.17 does around the save of a guest with a Linux stubdom.
 *
 * There are four operations, one after the other, each on its own connection. It queries the CPUs; it enables the dirty
 * log, if the guest stays alive during the save; it sends `stop` and `xen-save-devices-state` on one connection; it
 * disables the dirty log and, after a failure, sends `cont`. On each connection it waits for the greeting, takes QEMU's
 * version from it, negotiates, and sends a command only after the reply to the previous one. The ids are consecutive
 * numbers, allocated in the order in which libxl prepares the commands: so the first command has the number before that
 * of `qmp_capabilities`. Lines end in CR LF. The toolstack has no time limit for the save.
 *
 * No code here belongs to the program: it represents behaviour that the program cannot change.
 */
import { type Message, QmpConnection } from './qmp-connection.js';

export interface Command {
  readonly execute: string;
  readonly arguments?: object;
}

/** Difficult behaviour of a toolstack. */
export interface ToolstackOptions {
  /** Writes that many bytes at a time, with a pause in between. */
  readonly chunkBytes?: number;
  /** Disconnects in the middle of that command's line, or after the line and before the reply. */
  readonly hangUp?: { readonly during: string; readonly when: 'half sent' | 'sent' };
}

/** The result of an operation. */
export interface Operation {
  readonly greeting: Message | undefined;
  /** The replies: to `qmp_capabilities`, then to each command until one fails. */
  readonly replies: readonly Message[];
  /** The events that arrived meanwhile. */
  readonly events: readonly Message[];
  /** The line of each command, as it was sent. */
  readonly sent: readonly string[];
}

/** The first id of libxl on each connection: "xlq" and a zero byte. */
export const FIRST_ID = 0x786c7100;

/** The file name that libxl sends to a Linux stubdom's QEMU. */
export const FDSET_1 = '/dev/fdset/1';

export class Toolstack {
  readonly #path: string;
  readonly #options: ToolstackOptions;

  constructor(path: string, options: ToolstackOptions = {}) {
    this.#path = path;
    this.#options = options;
  }

  /** The query of xl before a save, for the configuration that it stores with the save. */
  queryCpus(): Promise<Operation> {
    return this.operation([{ execute: 'query-cpus-fast' }]);
  }

  setDirtyLog(enable: boolean): Promise<Operation> {
    return this.operation([{ execute: 'xen-set-global-dirty-log', arguments: { enable } }]);
  }

  /** `live` is a migration or a checkpoint of a running guest; a plain `xl save` is not. */
  suspendAndSave({ live = false, filename = FDSET_1 } = {}): Promise<Operation> {
    return this.operation([{ execute: 'stop' }, { execute: 'xen-save-devices-state', arguments: { live, filename } }]);
  }

  /** Resumes the guest, as libxl does after a failed save. */
  resume(): Promise<Operation> {
    return this.operation([{ execute: 'cont' }]);
  }

  /** A complete save, as libxl does it: the operations in the order above. */
  async save({ live = true, filename = FDSET_1 } = {}): Promise<readonly Operation[]> {
    const done = [await this.queryCpus()];
    if (live) done.push(await this.setDirtyLog(true));
    done.push(await this.suspendAndSave({ live, filename }));
    const failed = failureOf(done.at(-1)) !== undefined;
    if (live) done.push(await this.setDirtyLog(false));
    if (failed) done.push(await this.resume());
    return done;
  }

  /** Executes commands on a new connection. */
  async operation(commands: readonly Command[]): Promise<Operation> {
    const connection = await QmpConnection.open(this.#path);
    const sent: string[] = [];
    const replies: Message[] = [];
    try {
      const greeting = await connection.next();
      for (const [line, name] of linesOf(commands)) {
        const hangUp = this.#options.hangUp?.during === name ? this.#options.hangUp.when : 'never';
        const text = hangUp === 'half sent' ? line.slice(0, line.length / 2) : line;
        await connection.send(text, this.#options.chunkBytes);
        sent.push(text);
        if (hangUp !== 'never') break;
        const reply = await connection.reply();
        if (reply === undefined) break;
        replies.push(reply);
        if (reply.error !== undefined) break;
      }
      return { greeting, replies, events: connection.events, sent };
    } finally {
      connection.disconnect();
    }
  }
}

/** Why the operation did not succeed: QEMU's error, or a missing reply. Undefined when it succeeded. */
export function failureOf(operation: Operation | undefined): string | undefined {
  const last = operation?.replies.at(-1);
  if (operation === undefined || last === undefined) return 'no reply';
  if (last.error !== undefined) return last.error.desc;
  return operation.replies.length < operation.sent.length ? 'no reply' : undefined;
}

/** The lines to send, each with the name of its command. */
function linesOf(commands: readonly Command[]): [line: string, name: string][] {
  const ids = [FIRST_ID + 1, FIRST_ID, ...commands.slice(1).map((_, index) => FIRST_ID + 2 + index)];
  return [{ execute: 'qmp_capabilities' }, ...commands].map(({ execute, ...rest }, index) => [
    `${JSON.stringify({ execute, id: ids[index], ...rest })}\r\n`,
    execute,
  ]);
}
