/**
 * A toolstack as QEMU's monitor sees it: what libxl 4.17 does around the save of a guest with a Linux stubdom.
 *
 * Four operations, a connection each, one at a time, and no more: which CPUs there are; when the guest stays alive
 * meanwhile, the dirty log on; `stop` and `xen-save-devices-state`, on one connection; the dirty log off, or, after
 * a failure, `cont`. On a connection it waits for the greeting and takes the version from there, negotiates, and
 * sends a command only when the one before is answered. Identifiers count from one number and are used in
 * the order in which commands are made up, so the first command has the number before `qmp_capabilities`. Lines end
 * in CR LF. It has no patience of its own for the save: it waits for as long as it takes.
 *
 * Nothing in here is the program's; it stands for what the program does not know and cannot change.
 */
import { type Message, QmpConnection } from './qmp-connection.js';

export interface Command {
  readonly execute: string;
  readonly arguments?: object;
}

/** How a toolstack can be hard to serve. */
export interface Manners {
  /** Writes that many bytes at a time, with a moment between. */
  readonly piece?: number;
  /** Hangs up: half-way through that command's line, or when it is sent and not yet answered. */
  readonly hangUp?: { readonly during: string; readonly when: 'half sent' | 'sent' };
}

/** A connection's end. */
export interface Operation {
  readonly greeting: Message | undefined;
  /** Replies as they came: to `qmp_capabilities`, then to each command until one failed. */
  readonly replies: readonly Message[];
  /** What came in between and is nobody's reply. */
  readonly events: readonly Message[];
  /** Each command's line as it was sent. */
  readonly sent: readonly string[];
}

/** "xlq" and a zero: where libxl's identifiers begin, on each connection. */
export const FIRST_ID = 0x786c7100;

/** Where a Linux stubdom's QEMU is told to write. */
export const FDSET_1 = '/dev/fdset/1';

export class Toolstack {
  readonly #path: string;
  readonly #manners: Manners;

  constructor(path: string, manners: Manners = {}) {
    this.#path = path;
    this.#manners = manners;
  }

  /** What xl asks before a save, to keep the configuration of the guest with it. */
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

  /** What it does when the save has failed: the guest runs on. */
  resume(): Promise<Operation> {
    return this.operation([{ execute: 'cont' }]);
  }

  /** A whole save, as libxl does it: the four operations, or fewer when one fails. */
  async save({ live = true, filename = FDSET_1 } = {}): Promise<readonly Operation[]> {
    const done = [await this.queryCpus()];
    if (live) done.push(await this.setDirtyLog(true));
    done.push(await this.suspendAndSave({ live, filename }));
    const failed = failureOf(done.at(-1)) !== undefined;
    if (live) done.push(await this.setDirtyLog(false));
    if (failed) done.push(await this.resume());
    return done;
  }

  /** Commands on a connection of their own. */
  async operation(commands: readonly Command[]): Promise<Operation> {
    const connection = await QmpConnection.open(this.#path);
    const sent: string[] = [];
    const replies: Message[] = [];
    try {
      const greeting = await connection.next();
      for (const [line, name] of linesOf(commands)) {
        const hangUp = this.#manners.hangUp?.during === name ? this.#manners.hangUp.when : 'never';
        const text = hangUp === 'half sent' ? line.slice(0, line.length / 2) : line;
        await connection.send(text, this.#manners.piece);
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

/** Why the operation did not get its last reply, if so: QEMU's error, or that the connection was cut. */
export function failureOf(operation: Operation | undefined): string | undefined {
  const last = operation?.replies.at(-1);
  if (operation === undefined || last === undefined) return 'no reply';
  if (last.error !== undefined) return last.error.desc;
  return operation.replies.length < operation.sent.length ? 'no reply' : undefined;
}

/** The lines to send, each with its command's name. */
function linesOf(commands: readonly Command[]): [line: string, name: string][] {
  const ids = [FIRST_ID + 1, FIRST_ID, ...commands.slice(1).map((_, index) => FIRST_ID + 2 + index)];
  return [{ execute: 'qmp_capabilities' }, ...commands].map(({ execute, ...rest }, index) => [
    `${JSON.stringify({ execute, id: ids[index], ...rest })}\r\n`,
    execute,
  ]);
}
