/**
 * A QMP server that follows a script. A real QEMU cannot be made to fail in the middle of a message, to reply out of
 * order or to send nothing. The tests in test/e2e/qemu use a real QEMU.
 *
 *     greeting --> qmp_capabilities --> {execute: NAME} --the script's reply for NAME--> {return} | {error} | nothing
 *
 * It shares no code with src/qemu/qmp, so that the program is not tested against itself.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { completeMessages } from './complete-messages.js';

/** A received command. */
export interface ReceivedCommand {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly id: unknown;
  readonly outOfBand: boolean;
}

/** A reply with an error. */
export class Refusal {
  readonly desc: string;
  readonly errorClass: string;

  constructor(desc: string, errorClass = 'GenericError') {
    this.desc = desc;
    this.errorClass = errorClass;
  }
}

/** A reply that is never sent. */
export const SILENCE = Symbol('silence');

/** Returns the value of the reply, a {@link Refusal}, or {@link SILENCE}. */
export type Reply = (command: ReceivedCommand, qemu: ScriptedQemu) => unknown;
export type Script = Readonly<Record<string, Reply>>;

export interface ScriptedQemuOptions {
  /** Sent to each client immediately; empty for a QEMU that does not greet. */
  readonly greeting?: string;
  /** Sends that many bytes at a time, with an event-loop yield after each chunk; all bytes at once if not set. */
  readonly chunkBytes?: number;
  /** Records the received bytes without parsing them. */
  readonly recordOnly?: boolean;
}

export const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian 1:7.2+dfsg-7"}, "capabilities": ["oob"]}}\r\n';

const DEFAULTS: Script = { qmp_capabilities: () => ({}) };

export class ScriptedQemu {
  readonly path: string;
  readonly #server: Server;
  readonly #script: Script;
  readonly #options: ScriptedQemuOptions;
  readonly #clients = new Set<Socket>();
  readonly #fragments: Buffer[][] = [];
  #sent: Promise<void> = Promise.resolve();
  #handedOver = 0;
  /** The client that connected last. */
  #client: Socket | undefined;
  /** The commands of all clients, in the order of their arrival. */
  readonly commands: ReceivedCommand[] = [];

  private constructor(server: Server, path: string, script: Script, options: ScriptedQemuOptions) {
    this.path = path;
    this.#server = server;
    this.#script = { ...DEFAULTS, ...script };
    this.#options = options;
    server.on('connection', (client) => this.#welcome(client));
  }

  static async listen(path: string, script: Script = {}, options: ScriptedQemuOptions = {}): Promise<ScriptedQemu> {
    const server = createServer();
    const qemu = new ScriptedQemu(server, path, script, options);
    await once(server.listen(path), 'listening');
    return qemu;
  }

  /** The number of clients so far. */
  get visits(): number {
    return this.#fragments.length;
  }

  /** The number of clients that are connected now. */
  get present(): number {
    return this.#clients.size;
  }

  /** The names of the commands so far, without the negotiation. */
  get names(): string[] {
    return this.commands.map(({ name }) => name).filter((name) => name !== 'qmp_capabilities');
  }

  /** The number of sent bytes that the sockets of its clients have accepted. */
  get handedOver(): number {
    return this.#handedOver;
  }

  /** All bytes that the client with this number has sent. The first client is 0. */
  bytesOf(visit: number): Buffer {
    return Buffer.concat(this.#fragments[visit] ?? []);
  }

  /** Sends bytes to the client that connected last. Resolves when its socket has accepted them. */
  send(bytes: string | Uint8Array): Promise<void> {
    const client = this.#client;
    const all = Buffer.from(bytes);
    const { chunkBytes = Math.max(all.length, 1) } = this.#options;
    this.#sent = this.#sent.then(async () => {
      for (let at = 0; at < all.length; at += chunkBytes) {
        // The client has disconnected.
        if (client === undefined || client.destroyed) return;
        if (!client.write(all.subarray(at, at + chunkBytes))) await drained(client);
        this.#handedOver += Math.min(chunkBytes, all.length - at);
        await nextTurn();
      }
    });
    return this.#sent;
  }

  event(name: string, data: object = {}): Promise<void> {
    return this.send(`${JSON.stringify({ event: name, data, timestamp: { seconds: 1, microseconds: 2 } })}\r\n`);
  }

  /** Stops reading from its clients. A connection that ends after this is reset. */
  stopReading(): void {
    for (const client of this.#clients) client.pause();
  }

  readOn(): void {
    for (const client of this.#clients) client.resume();
  }

  /** Closes its connections, as a QEMU that exits does. It still listens on its socket. */
  async hangUp(): Promise<void> {
    await this.#sent;
    for (const client of this.#clients) client.destroy();
  }

  /** Closes the server and its connections. */
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
      if (this.#options.recordOnly !== true) messages(chunk.toString());
    });
    void this.send(this.#options.greeting ?? GREETING);
  }

  async #execute(text: string): Promise<void> {
    const { execute, 'exec-oob': urgent, arguments: args = {}, id } = JSON.parse(text);
    const command: ReceivedCommand = { name: execute ?? urgent, args, id, outOfBand: urgent !== undefined };
    this.commands.push(command);
    const reply = this.#script[command.name];
    const outcome = reply === undefined ? unknownCommand(command.name) : await reply(command, this);
    if (outcome === SILENCE) return;
    const message =
      outcome instanceof Refusal
        ? { error: { class: outcome.errorClass, desc: outcome.desc }, id }
        : { return: outcome ?? {}, id };
    await this.send(`${JSON.stringify(message)}\r\n`);
  }
}

/** Resolves when the socket accepts more bytes or is closed. */
async function drained(socket: Socket): Promise<void> {
  await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
}

function unknownCommand(name: string): Refusal {
  return new Refusal(`The command ${name} has not been found`, 'CommandNotFound');
}
