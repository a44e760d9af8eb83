/**
 * One session: a toolstack and QEMU, with the QMP proxy between them.
 *
 *     toolstack ---any command-----------------> QEMU
 *               ---save to /dev/fdset/1--> proxy ---queries, save to a FIFO---> QEMU
 *                                          ... the state is transferred ...
 *               <--reply to the save------ proxy <--replies---------------------
 *               ---fdset commands--------> proxy ---query-fdsets, or a path instead of an fdset---> QEMU
 *               <--any other reply, any event--- QEMU
 *
 * The proxy forwards bytes unchanged. It removes the replies to its own commands, whose ids no toolstack uses. While
 * the proxy works on a command, later commands of the toolstack wait, as they do in QEMU, which executes one command
 * after the other; out-of-band commands do not wait.
 *
 * The proxy disconnects a toolstack that has received its greeting and all replies and sends no more commands. The
 * reason is that another toolstack may have taken its place on the vchan: vchan-socket-proxy in the stubdom checks
 * whether a peer is connected, but not whether it is the same peer. If it checks too late, the next toolstack joins the
 * connection of the previous one and waits forever for a greeting (libxl does so after `stop`, with the guest
 * suspended). When the QMP proxy closes the connection, vchan-socket-proxy opens a new one for the present peer
 * (tools/vchan/vchan-socket-proxy.c of Xen, data_loop).
 */

import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { StubferryError } from '../../base/errors/index.js';
import { TIMEOUTS } from '../../base/time/timeouts.js';
import { SAVE_DEVICES_STATE } from '../qmp/commands.js';
import { type ClientCommand, parseCommand, parseServerMessage } from '../qmp/message.js';
import { type Fragment, MessageSplitter, textOf } from '../qmp/message-splitter.js';
import type { ExecuteOptions, Monitor } from '../qmp/monitor.js';
import { PendingReplies } from '../qmp/pending-replies.js';
import { monitorGone } from '../qmp/qmp-error.js';
import type { MediumChange, Outcome } from './medium-change.js';
import { errorReply, successReply } from './reply.js';
import { namesFdsets } from './stubdom-fdsets.js';

/**
 * The file name that libxl sends for a save. It names a descriptor that the stubdom's init gives to QEMU, not a real
 * file.
 */
const SAVE_FDSET = '/dev/fdset/1';

/**
 * The largest message that the proxy parses, in bytes. It forwards a longer message as it arrives: such a message never
 * concerns the proxy. QEMU's list of fdsets has 38 bytes for each descriptor, of which there are at most some hundreds,
 * and a descriptor cannot be sent over a vchan.
 */
const PARSE_LIMIT = 64 * 1024;

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** The limit of bytes in waiting commands. Above it, the proxy stops reading from the toolstack. */
const HELD_LIMIT = 256 * 1024;

/** A request of the toolstack to save the devices' state. */
export interface SaveRequest {
  /** QEMU, on the toolstack's own connection. */
  readonly monitor: Monitor;
  /** The arguments of the toolstack's command. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Aborted when the toolstack or QEMU disconnects, or when the proxy closes. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when the state is safe. The toolstack receives the error of a rejection. QEMU is not released before it
 * settles.
 */
export type OnSave = (request: SaveRequest) => Promise<void>;

/** The work of the proxy itself in a session. */
export interface ProxyWork {
  readonly onSave: OnSave;
  readonly mediumChange: MediumChange;
  /** Called before the proxy disconnects an idle toolstack. */
  readonly onIdle: () => void;
}

/** A session. It is also the {@link Monitor} through which the agent executes its own commands. */
export class ProxySession implements Monitor {
  readonly path: string;
  readonly #client: Socket;
  readonly #qemu: Socket;
  readonly #work: ProxyWork;
  readonly #fromClient = new MessageSplitter(PARSE_LIMIT);
  readonly #fromQemu = new MessageSplitter(PARSE_LIMIT);
  readonly #replies: PendingReplies;
  readonly #gone = new AbortController();
  readonly #idPrefix = `stubferry-proxy-${randomUUID()}-`;
  #nextId = 1;
  #version: string | undefined;
  #saving = false;
  /** The proxy works on a save or an fdset command. */
  #busy = false;
  /** The number of forwarded commands without a reply. */
  #unanswered = 0;
  #idle: NodeJS.Timeout | undefined;
  #held: Fragment[] = [];
  #heldBytes = 0;
  /** A reply of QEMU was removed, but the end of its line was not yet. */
  #dropLineEnd = false;
  /** The last byte forwarded to the toolstack ended a line. */
  #atLineStart = true;
  /** The proxy's own replies, until they can be sent on a line of their own. */
  #queuedReply = '';
  #resolveEnded: () => void = () => undefined;

  /** Resolves when the toolstack is disconnected and QEMU is released. */
  readonly ended: Promise<void>;

  /** Takes ownership of both sockets. @param path the path of QEMU's monitor socket */
  constructor(client: Socket, qemu: Socket, path: string, work: ProxyWork) {
    this.path = path;
    this.#client = client;
    this.#qemu = qemu;
    this.#work = work;
    this.#replies = new PendingReplies(path);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    client.on('data', (chunk) => this.#onClientData(this.#fromClient.push(chunk)));
    client.on('error', () => client.destroy());
    client.on('close', () => this.#onClientClose());
    client.on('drain', () => qemu.resume());
    qemu.on('data', (chunk) => this.#onQemuData(this.#fromQemu.push(chunk)));
    qemu.on('error', () => qemu.destroy());
    qemu.on('close', () => this.#onQemuClose());
    qemu.on('drain', () => this.#resumeReading());
    client.resume();
  }

  get qemuVersion(): string {
    return this.#version ?? '';
  }

  /** Ends the session. A running save fails with `reason`, and the toolstack receives this error. */
  end(reason: StubferryError): void {
    this.#gone.abort(reason);
    if (!this.#saving) this.#client.destroy();
  }

  async execute(command: string, args: Readonly<Record<string, unknown>>, options: ExecuteOptions): Promise<unknown> {
    options.signal?.throwIfAborted();
    const id = `${this.#idPrefix}${this.#nextId}`;
    this.#nextId += 1;
    const reply = this.#replies.wait(id, command, options);
    if (this.#qemu.writable) this.#qemu.write(`${JSON.stringify({ execute: command, arguments: args, id })}\r\n`);
    return reply;
  }

  #onClientData(fragments: readonly Fragment[]): void {
    this.#clearIdleTimer();
    for (const fragment of fragments) {
      const command = fragment.whole ? parseCommand(textOf(fragment)) : undefined;
      if (this.#busy && command?.outOfBand !== true) this.#hold(fragment);
      else if (command !== undefined && isSave(command)) void this.#save(command);
      else if (command !== undefined && namesFdsets(command)) void this.#changeMedium(command, fragment);
      else {
        if (command !== undefined) this.#unanswered += 1;
        this.#toQemu(fragment.bytes);
      }
    }
  }

  #onReply(): void {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    this.#restartIdleTimer();
  }

  /** Restarts the idle timer after a greeting or reply, unless the toolstack still waits for another reply. */
  #restartIdleTimer(): void {
    this.#clearIdleTimer();
    if (this.#unanswered > 0 || this.#busy || this.#client.destroyed) return;
    const timer = setTimeout(() => {
      // After a pause of the whole domain, the next command may already be in the socket. Sockets are read before
      // immediates.
      setImmediate(() => {
        if (this.#idle !== timer) return;
        this.#work.onIdle();
        this.#endClient();
      });
    }, TIMEOUTS.proxyIdle);
    this.#idle = timer;
  }

  #clearIdleTimer(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }

  #toQemu(bytes: Uint8Array | string): void {
    if (this.#qemu.writable && !this.#qemu.write(bytes)) this.#client.pause();
  }

  #hold(fragment: Fragment): void {
    this.#held.push(fragment);
    this.#heldBytes += fragment.bytes.length;
    if (this.#heldBytes > HELD_LIMIT) this.#client.pause();
  }

  #resumeReading(): void {
    if (this.#heldBytes <= HELD_LIMIT) this.#client.resume();
  }

  async #save({ arguments: args, id }: ClientCommand): Promise<void> {
    this.#saving = true;
    await this.#whileBusy(async () => {
      try {
        await this.#work.onSave({ monitor: this, args, signal: this.#gone.signal });
        return { reply: successReply(id) };
      } catch (error) {
        return { reply: errorReply(StubferryError.from(error), id) };
      } finally {
        this.#saving = false;
      }
    });
  }

  async #changeMedium(command: ClientCommand, fragment: Fragment): Promise<void> {
    await this.#whileBusy(async () => {
      const outcome = await this.#work.mediumChange.outcomeOf(command, this, this.#gone.signal);
      return outcome ?? { command: fragment.bytes };
    });
  }

  /** Commands that the toolstack sends meanwhile are held. */
  async #whileBusy(work: () => Promise<Outcome>): Promise<void> {
    this.#busy = true;
    const outcome = await work();
    this.#busy = false;
    if ('reply' in outcome) {
      this.#queuedReply += outcome.reply;
    } else {
      this.#unanswered += 1;
      this.#toQemu(outcome.command);
    }
    this.#flush();
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    // Like QEMU, the proxy discards the waiting commands of a disconnected client.
    if (!this.#gone.signal.aborted) this.#onClientData(held);
    this.#resumeReading();
    this.#restartIdleTimer();
    if (this.#gone.signal.aborted) this.#endClient();
    this.#settle();
  }

  #onQemuData(fragments: readonly Fragment[]): void {
    for (const fragment of fragments) {
      const message = fragment.whole ? parseServerMessage(textOf(fragment)) : undefined;
      if (message?.kind === 'greeting') this.#version ??= message.version;
      if (message !== undefined && this.#replies.settle(message)) {
        this.#dropLineEnd = true;
      } else {
        this.#forward(this.#withoutLineEnd(fragment.bytes));
        if (message?.kind === 'greeting') this.#restartIdleTimer();
        if (message?.kind === 'return' || message?.kind === 'error') this.#onReply();
      }
      this.#flush();
    }
  }

  /** Removes the end of a removed reply's line. libxl reads lines and fails to parse an empty one. */
  #withoutLineEnd(bytes: Uint8Array): Uint8Array {
    let from = 0;
    while (this.#dropLineEnd && from < bytes.length) {
      const byte = bytes[from];
      if (byte === CARRIAGE_RETURN || byte === LINE_FEED) from += 1;
      if (byte !== CARRIAGE_RETURN) this.#dropLineEnd = false;
    }
    return bytes.subarray(from);
  }

  #forward(bytes: Uint8Array): void {
    if (bytes.length === 0 || !this.#client.writable) return;
    this.#atLineStart = bytes.at(-1) === LINE_FEED && !this.#fromQemu.passingOn;
    if (!this.#client.write(bytes)) this.#qemu.pause();
  }

  /** Sends the queued replies of the proxy, but never within a line of QEMU. */
  #flush(): void {
    if (this.#queuedReply === '' || !this.#client.writable) return;
    if (!this.#atLineStart && !this.#qemu.destroyed) return;
    this.#client.write(this.#queuedReply);
    this.#queuedReply = '';
  }

  #onClientClose(): void {
    this.#clearIdleTimer();
    this.#gone.abort(
      new StubferryError('CANCELLED', 'the toolstack closed its connection in the middle of the save', {
        where: this.path,
      }),
    );
    this.#qemu.resume();
    this.#settle();
  }

  #onQemuClose(): void {
    const gone = monitorGone(this.path, this.#replies.oldest);
    this.#replies.close(gone);
    this.#gone.abort(gone);
    // The toolstack's connection ends, as it would without a proxy; a reply that the proxy still owes is sent first.
    if (!this.#busy) this.#endClient();
    this.#settle();
  }

  /**
   * Closes the toolstack's connection after the last bytes; destroys it when the toolstack does not read them in time.
   */
  #endClient(): void {
    if (this.#client.destroyed) return;
    this.#client.destroySoon();
    const timer = setTimeout(() => this.#client.destroy(), TIMEOUTS.proxyLastBytes);
    this.#client.once('close', () => clearTimeout(timer));
  }

  #settle(): void {
    if (this.#busy || !this.#client.destroyed) return;
    this.#qemu.destroy();
    if (this.#qemu.closed) this.#resolveEnded();
  }
}

function isSave(command: ClientCommand): boolean {
  return !command.outOfBand && command.execute === SAVE_DEVICES_STATE && command.arguments['filename'] === SAVE_FDSET;
}
