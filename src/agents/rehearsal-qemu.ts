/** QEMU's part in a rehearsal: greets, answers everything with nothing, and writes a state into the file that a save names. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { type ClientCommand, MessageSplitter, parseCommand, successReply, textOf } from '../qmp/index.js';

const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}\r\n';

/** More than any command of a rehearsal has, bytes. */
const COMMAND_LIMIT = 4096;

export class RehearsalQemu {
  readonly #server: Server;
  readonly #state: Uint8Array;
  readonly #clients = new Set<Socket>();

  private constructor(server: Server, state: Uint8Array) {
    this.#server = server;
    this.#state = state;
    server.on('connection', (client) => this.#serve(client));
  }

  /** @param socket to listen on. @param state what a save writes */
  static async listen(socket: string, state: Uint8Array): Promise<RehearsalQemu> {
    const server = createServer();
    const self = new RehearsalQemu(server, state);
    server.listen(socket);
    await once(server, 'listening');
    return self;
  }

  #serve(client: Socket): void {
    this.#clients.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => this.#clients.delete(client));
    client.write(GREETING);
    const splitter = new MessageSplitter(COMMAND_LIMIT);
    client.on('data', (chunk) => {
      for (const piece of splitter.push(chunk)) {
        const command = piece.whole ? parseCommand(textOf(piece)) : undefined;
        // A state that cannot be written is heard of as a QEMU that is gone.
        if (command !== undefined) this.#answer(client, command).catch(() => client.destroy());
      }
    });
  }

  async #answer(client: Socket, { execute, arguments: args, id }: ClientCommand): Promise<void> {
    if (typeof args['filename'] === 'string') await writeFile(args['filename'], this.#state);
    client.write(successReply(id, execute === 'qom-get' ? '' : {}));
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
