/**
 * A QMP server that does what a script says. The real QEMU cannot be told to fail in the middle of a message, to answer out of
 * order or to say nothing; what the real one does, test/e2e/qemu looks at.
 *
 *     greeting --> qmp_capabilities --> {execute: NAME} --the script's answer for NAME--> {return} | {error} | nothing
 *
 * It shares no code with src/qmp, so that the program is not its own witness.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { completeMessages } from './complete-messages.js';

/** A command as it came. */
export interface Asked {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly id: unknown;
  readonly outOfBand: boolean;
}

/** An answer by which QEMU refuses. */
export class Refusal {
  readonly desc: string;
  readonly errorClass: string;

  constructor(desc: string, errorClass = 'GenericError') {
    this.desc = desc;
    this.errorClass = errorClass;
  }
}

/** An answer that never comes. */
export const SILENCE = Symbol('silence');

/** What QEMU returns, a {@link Refusal}, or {@link SILENCE}. */
export type Answer = (asked: Asked, qemu: ScriptedQemu) => unknown;
export type Script = Readonly<Record<string, Answer>>;

export interface ScriptedQemuOptions {
  /** Said to each client at once; empty for a QEMU that does not greet. */
  readonly greeting?: string;
  /** So many bytes at once, and a turn of the event loop between; without it all at once. */
  readonly pieceBytes?: number;
  /** Bytes are recorded, and not looked at. */
  readonly deaf?: boolean;
}

export const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2+dfsg-7"}, "capabilities": ["oob"]}}\r\n';

const COURTESY: Script = { qmp_capabilities: () => ({}) };

export class ScriptedQemu {
  readonly path: string;
  readonly #server: Server;
  readonly #script: Script;
  readonly #options: ScriptedQemuOptions;
  readonly #clients = new Set<Socket>();
  readonly #fragments: Buffer[][] = [];
  #said: Promise<void> = Promise.resolve();
  #handedOver = 0;
  /** The client that came last. */
  #client: Socket | undefined;
  /** The commands of all clients, in the order in which they came. */
  readonly asked: Asked[] = [];

  private constructor(server: Server, path: string, script: Script, options: ScriptedQemuOptions) {
    this.path = path;
    this.#server = server;
    this.#script = { ...COURTESY, ...script };
    this.#options = options;
    server.on('connection', (client) => this.#welcome(client));
  }

  static async listen(path: string, script: Script = {}, options: ScriptedQemuOptions = {}): Promise<ScriptedQemu> {
    const server = createServer();
    const qemu = new ScriptedQemu(server, path, script, options);
    await once(server.listen(path), 'listening');
    return qemu;
  }

  /** Clients so far. */
  get visits(): number {
    return this.#fragments.length;
  }

  /** Clients that are connected now. */
  get present(): number {
    return this.#clients.size;
  }

  /** Names of the commands so far, without the negotiation. */
  get names(): string[] {
    return this.asked.map(({ name }) => name).filter((name) => name !== 'qmp_capabilities');
  }

  /** Bytes that its clients' sockets took of what it said. */
  get handedOver(): number {
    return this.#handedOver;
  }

  /** Every byte that the client of this visit sent. The first visit is 0. */
  bytesOf(visit: number): Buffer {
    return Buffer.concat(this.#fragments[visit] ?? []);
  }

  /** Bytes for the client that came last, as they are. Resolves when they are handed over. */
  say(bytes: string | Uint8Array): Promise<void> {
    const client = this.#client;
    const all = Buffer.from(bytes);
    const { pieceBytes = Math.max(all.length, 1) } = this.#options;
    this.#said = this.#said.then(async () => {
      for (let at = 0; at < all.length; at += pieceBytes) {
        // Whoever is gone hears nothing more.
        if (client === undefined || client.destroyed) return;
        if (!client.write(all.subarray(at, at + pieceBytes))) await drained(client);
        this.#handedOver += Math.min(pieceBytes, all.length - at);
        await nextTurn();
      }
    });
    return this.#said;
  }

  event(name: string, data: object = {}): Promise<void> {
    return this.say(`${JSON.stringify({ event: name, data, timestamp: { seconds: 1, microseconds: 2 } })}\r\n`);
  }

  /** Takes nothing more from its clients. A connection that ends then is reset. */
  stopReading(): void {
    for (const client of this.#clients) client.pause();
  }

  readOn(): void {
    for (const client of this.#clients) client.resume();
  }

  /** Closes its connections, as a QEMU does that ends; its socket stays. */
  async hangUp(): Promise<void> {
    await this.#said;
    for (const client of this.#clients) client.destroy();
  }

  /** Ends. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const client of this.#clients) client.destroy();
    await closed;
  }

  #welcome(client: Socket): void {
    const fragments: Buffer[] = [];
    this.#fragments.push(fragments);
    this.#clients.add(client);
    this.#client = client;
    client.on('error', () => undefined);
    client.on('close', () => this.#clients.delete(client));
    const messages = completeMessages((text) => void this.#execute(text));
    client.on('data', (chunk) => {
      fragments.push(chunk);
      if (this.#options.deaf !== true) messages(chunk.toString());
    });
    void this.say(this.#options.greeting ?? GREETING);
  }

  async #execute(text: string): Promise<void> {
    const { execute, 'exec-oob': urgent, arguments: args = {}, id } = JSON.parse(text);
    const asked: Asked = { name: execute ?? urgent, args, id, outOfBand: urgent !== undefined };
    this.asked.push(asked);
    const answer = this.#script[asked.name];
    const outcome = answer === undefined ? unknownCommand(asked.name) : await answer(asked, this);
    if (outcome === SILENCE) return;
    const said =
      outcome instanceof Refusal
        ? { error: { class: outcome.errorClass, desc: outcome.desc }, id }
        : { return: outcome ?? {}, id };
    await this.say(`${JSON.stringify(said)}\r\n`);
  }
}

/** Resolves when the socket takes more, or is closed. */
async function drained(socket: Socket): Promise<void> {
  await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
}

function unknownCommand(name: string): Refusal {
  return new Refusal(`The command ${name} has not been found`, 'CommandNotFound');
}
