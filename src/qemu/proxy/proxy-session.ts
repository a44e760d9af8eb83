/**
 * One toolstack and QEMU, with the proxy between them.
 *
 *     toolstack ---any command-----------------> QEMU
 *               ---save to /dev/fdset/1--> proxy ---queries, save to a FIFO---> QEMU
 *                                          ... the state is moved ...
 *               <--the reply, at last----- proxy <--the replies----------------
 *               ---sets of descriptors---> proxy ---query-fdsets, or a path for a set---> QEMU
 *               <--any other reply, any event--- QEMU
 *
 * Bytes are passed on as they came. Replies to the proxy's own commands, which have ids that no toolstack uses, are taken out. What a
 * toolstack sends while the proxy is at work waits, as it would in QEMU, which executes one command after the other; out-of-band
 * commands do not wait.
 *
 * A toolstack that has had its greeting and its answers and asks nothing more is taken to have left. Over a vchan another one may be there in its place:
 * the stubdom's proxy looks whether its peer is there, and not whether it is the same. Where it looks too late, the next toolstack has
 * joined the connection of the one before, and waits for a greeting without an end (libxl after `stop`, with the guest suspended). When
 * the proxy ends that connection the proxy makes a new one, for whoever is there. (tools/vchan/vchan-socket-proxy.c: data_loop.)
 */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { StubferryError } from '../../base/errors/index.js';
import { SAVE_DEVICES_STATE } from '../qmp/commands.js';
import { type ClientCommand, parseCommand, parseServerMessage } from '../qmp/message.js';
import { type Fragment, MessageSplitter, textOf } from '../qmp/message-splitter.js';
import type { AskOptions, Monitor } from '../qmp/monitor.js';
import { PendingReplies } from '../qmp/pending-replies.js';
import { monitorGone } from '../qmp/qmp-error.js';
import type { MediumChange, Outcome } from './medium-change.js';
import { errorReply, successReply } from './reply.js';
import { namesFdsets } from './stubdom-fdsets.js';

/** The file that libxl names, and that is none: the descriptor that the stubdom's init gave to QEMU for a save. */
export const SAVE_FDSET = '/dev/fdset/1';

/**
 * Messages up to this length are looked at; a longer one is nothing of the proxy's, and is passed on as it comes. QEMU's list of sets
 * has 38 bytes for each descriptor, of which it has some hundreds at most; and none comes over a vchan.
 */
const LOOK_LIMIT = 64 * 1024;

/**
 * Between a greeting or an answer and the next command, milliseconds. libxl thinks for 0.2 s at most, under emulation, and waits for some answers for
 * 10 s, the greeting included.
 */
const IDLE_MS = 5_000;

/** For a toolstack to read the last that it is told, milliseconds. */
const FAREWELL_MS = 1_000;

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** Bytes of commands that wait for the proxy; beyond this the toolstack is read no further. */
const HELD_LIMIT = 256 * 1024;

/** The toolstack wants the devices' state saved. */
export interface SaveRequest {
  /** QEMU, on the toolstack's own connection. */
  readonly monitor: Monitor;
  /** What the toolstack gave with the command. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Aborted when the toolstack is gone, or the proxy closes. */
  readonly signal: AbortSignal;
}

/** Resolves when the state is safe; the toolstack is told the error otherwise. Until it settles, QEMU is not let go of. */
export type OnSave = (request: SaveRequest) => Promise<void>;

/** What the proxy does itself. */
export interface ProxyWork {
  readonly onSave: OnSave;
  readonly mediumChange: MediumChange;
  /** A connection of which nothing more comes is ended. */
  readonly onIdle: () => void;
}

export class ProxySession implements Monitor {
  readonly path: string;
  readonly #client: Socket;
  readonly #qemu: Socket;
  readonly #work: ProxyWork;
  readonly #fromClient = new MessageSplitter(LOOK_LIMIT);
  readonly #fromQemu = new MessageSplitter(LOOK_LIMIT);
  readonly #replies: PendingReplies;
  readonly #gone = new AbortController();
  readonly #idPrefix = `stubferry-gate-${randomUUID()}-`;
  #nextId = 1;
  #version: string | undefined;
  #saving = false;
  /** The proxy works on a command: a save, or another. */
  #busy = false;
  /** Commands that QEMU has and has not answered. */
  #unanswered = 0;
  #idle: NodeJS.Timeout | undefined;
  #held: Fragment[] = [];
  #heldBytes = 0;
  /** A reply of QEMU's was taken out; the end of its line is still to be. */
  #takeLineEnd = false;
  /** The last byte passed on to the toolstack ended a line. */
  #atLineStart = true;
  /** The proxy's own words, until they can stand on a line of their own. */
  #words = '';
  #over: () => void = () => undefined;

  /** Resolves when the toolstack is gone and QEMU is let go of. */
  readonly ended: Promise<void>;

  /** @param path of QEMU's monitor. Both sockets are owned from here on */
  constructor(client: Socket, qemu: Socket, path: string, work: ProxyWork) {
    this.path = path;
    this.#client = client;
    this.#qemu = qemu;
    this.#work = work;
    this.#replies = new PendingReplies(path);
    this.ended = new Promise((resolve) => {
      this.#over = resolve;
    });
    client.on('data', (chunk) => this.#clientSays(this.#fromClient.push(chunk)));
    client.on('error', () => client.destroy());
    client.on('close', () => this.#clientLeft());
    client.on('drain', () => qemu.resume());
    qemu.on('data', (chunk) => this.#qemuSays(this.#fromQemu.push(chunk)));
    qemu.on('error', () => qemu.destroy());
    qemu.on('close', () => this.#qemuLeft());
    qemu.on('drain', () => this.#readOn());
    client.resume();
  }

  get qemuVersion(): string {
    return this.#version ?? '';
  }

  /** Ends the session: a save that is under way fails with `reason`, and its toolstack is told. */
  end(reason: StubferryError): void {
    this.#gone.abort(reason);
    if (!this.#saving) this.#client.destroy();
  }

  async ask(command: string, args: Readonly<Record<string, unknown>>, options: AskOptions): Promise<unknown> {
    options.signal?.throwIfAborted();
    const id = `${this.#idPrefix}${this.#nextId}`;
    this.#nextId += 1;
    const reply = this.#replies.wait(id, command, options);
    if (this.#qemu.writable) this.#qemu.write(`${JSON.stringify({ execute: command, arguments: args, id })}\r\n`);
    return reply;
  }

  #clientSays(fragments: readonly Fragment[]): void {
    this.#notIdle();
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

  #heardReply(): void {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    this.#answered();
  }

  /** The toolstack has been told something that it waited for. */
  #answered(): void {
    this.#notIdle();
    if (this.#unanswered > 0 || this.#busy || this.#client.destroyed) return;
    const timer = setTimeout(() => {
      // After a standstill of the whole domain its next command may be here already: what is in the sockets is read before immediates.
      setImmediate(() => {
        if (this.#idle !== timer) return;
        this.#work.onIdle();
        this.#leave();
      });
    }, IDLE_MS);
    this.#idle = timer;
  }

  #notIdle(): void {
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

  #readOn(): void {
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

  /** What the toolstack sends meanwhile waits. */
  async #whileBusy(work: () => Promise<Outcome>): Promise<void> {
    this.#busy = true;
    const outcome = await work();
    this.#busy = false;
    if ('reply' in outcome) {
      this.#words += outcome.reply;
    } else {
      this.#unanswered += 1;
      this.#toQemu(outcome.command);
    }
    this.#speak();
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    // As in QEMU, what waited is forgotten with its client.
    if (!this.#gone.signal.aborted) this.#clientSays(held);
    this.#readOn();
    this.#answered();
    if (this.#gone.signal.aborted) this.#leave();
    this.#settle();
  }

  #qemuSays(fragments: readonly Fragment[]): void {
    for (const fragment of fragments) {
      const message = fragment.whole ? parseServerMessage(textOf(fragment)) : undefined;
      if (message?.kind === 'greeting') this.#version ??= message.version;
      if (message !== undefined && this.#replies.settle(message)) {
        this.#takeLineEnd = true;
      } else {
        this.#passOn(this.#withoutLineEnd(fragment.bytes));
        if (message?.kind === 'greeting') this.#answered();
        if (message?.kind === 'return' || message?.kind === 'error') this.#heardReply();
      }
      this.#speak();
    }
  }

  /** libxl reads lines, and takes an empty one for a message that it cannot parse. */
  #withoutLineEnd(bytes: Uint8Array): Uint8Array {
    let from = 0;
    while (this.#takeLineEnd && from < bytes.length) {
      const byte = bytes[from];
      if (byte === CARRIAGE_RETURN || byte === LINE_FEED) from += 1;
      if (byte !== CARRIAGE_RETURN) this.#takeLineEnd = false;
    }
    return bytes.subarray(from);
  }

  #passOn(bytes: Uint8Array): void {
    if (bytes.length === 0 || !this.#client.writable) return;
    this.#atLineStart = bytes.at(-1) === LINE_FEED && !this.#fromQemu.passingOn;
    if (!this.#client.write(bytes)) this.#qemu.pause();
  }

  /** Says what the proxy has to say, but never in the middle of what QEMU says. */
  #speak(): void {
    if (this.#words === '' || !this.#client.writable) return;
    if (!this.#atLineStart && !this.#qemu.destroyed) return;
    this.#client.write(this.#words);
    this.#words = '';
  }

  #clientLeft(): void {
    this.#notIdle();
    this.#gone.abort(
      new StubferryError('CANCELLED', 'the toolstack closed its connection in the middle of the save', {
        where: this.path,
      }),
    );
    this.#qemu.resume();
    this.#settle();
  }

  #qemuLeft(): void {
    const gone = monitorGone(this.path, this.#replies.oldest);
    this.#replies.close(gone);
    this.#gone.abort(gone);
    // As QEMU's own end would: the toolstack's connection ends, but for the reply that it still waits for.
    if (!this.#busy) this.#leave();
    this.#settle();
  }

  /** Ends the toolstack's connection, after what it has been told; one that does not read is not waited for. */
  #leave(): void {
    if (this.#client.destroyed) return;
    this.#client.destroySoon();
    const timer = setTimeout(() => this.#client.destroy(), FAREWELL_MS);
    this.#client.once('close', () => clearTimeout(timer));
  }

  #settle(): void {
    if (this.#busy || !this.#client.destroyed) return;
    this.#qemu.destroy();
    if (this.#qemu.closed) this.#over();
  }
}

function isSave(command: ClientCommand): boolean {
  return !command.outOfBand && command.execute === SAVE_DEVICES_STATE && command.arguments['filename'] === SAVE_FDSET;
}
