/** A source that a program unpacks: what it reads goes to the program's standard input, and what that writes is read. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { errnoOf, messageOf, printable, StubferryError } from '../base/errors/index.js';
import type { StateSource } from '../formats/state-source.js';

export interface Unpacker {
  /** Found by PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** The Debian package that has it. */
  readonly package: string;
}

const CHUNK = 64 * 1024;
/** Of what the program says, bytes are kept. */
const MOST_SAID = 1024;
/** What xz, zstd and their like say of an input that is not whole. */
const ENDS_EARLY = /unexpected end|premature end|truncated/i;

export class Decompressor implements StateSource {
  readonly #source: StateSource;
  readonly #where: string;
  readonly #unpacker: Unpacker;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** The program has ended well. */
  readonly #unpacked: Promise<void>;
  /** So has what feeds it. */
  readonly #ended: Promise<void>;
  #rest: Uint8Array = new Uint8Array(0);
  #said = '';
  #closed = false;

  constructor(source: StateSource, where: string, unpacker: Unpacker) {
    this.#source = source;
    this.#where = where;
    this.#unpacker = unpacker;
    // Its messages are looked at, so they have to be in one language.
    const env = { ...process.env, LC_ALL: 'C' };
    this.#child = spawn(unpacker.program, [...unpacker.args], { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.#chunks = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString('latin1')).slice(0, MOST_SAID);
    });
    // It closes its input early when that is damaged; its status says so.
    this.#child.stdin.on('error', () => undefined);
    // Errors are told to whoever reads; one that comes before must not end the process.
    this.#unpacked = this.#status();
    this.#ended = Promise.all([this.#unpacked, this.#feed()]).then(() => undefined);
    this.#ended.catch(() => undefined);
  }

  async #status(): Promise<void> {
    const [status] = (await once(this.#child, 'close').catch((cause: unknown) => {
      throw this.#notStarted(cause);
    })) as [number | null];
    if (status !== 0) throw this.#failed(status);
  }

  async #feed(): Promise<void> {
    const { stdin } = this.#child;
    const buffer = new Uint8Array(CHUNK);
    try {
      for (;;) {
        const count = await this.#source.read(buffer);
        if (count === 0 || !stdin.writable) break;
        // A copy: the stream keeps it until it is written. A program that has ended takes no more.
        if (!stdin.write(Uint8Array.from(buffer.subarray(0, count)))) await drained(stdin);
      }
      stdin.end();
    } catch (cause) {
      this.#child.kill('SIGKILL');
      throw cause;
    }
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#rest.length === 0) {
      const next = await this.#chunks.next().catch(async (cause: unknown) => {
        // Why it broke off says the program's end.
        await this.#ended;
        throw cause;
      });
      if (next.done === true) {
        await this.#ended;
        return 0;
      }
      this.#rest = next.value;
    }
    const count = Math.min(this.#rest.length, into.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  #notStarted(cause: unknown): StubferryError {
    const { program, package: name } = this.#unpacker;
    return new StubferryError('UNPACKER_ABSENT', `cannot run ${program}, which unpacks this input`, {
      where: this.#where,
      expected: `the program ${program}`,
      found: errnoOf(cause) ?? messageOf(cause),
      hint: `install it (apt-get install ${name}), or give the input unpacked`,
      cause,
    });
  }

  #failed(status: number | null): StubferryError {
    const { program } = this.#unpacker;
    const said = printable(this.#said.trim());
    return new StubferryError(ENDS_EARLY.test(said) ? 'TRUNCATED' : 'CORRUPT', `the ${program} stream is not whole`, {
      where: this.#where,
      found: said === '' ? `${program} ended with status ${status ?? 'of a signal'}` : said,
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#child.kill('SIGKILL');
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    // Its status is of no interest any more; that it is gone is.
    await this.#unpacked.catch(() => undefined);
    await this.#source.close();
  }
}

/** Until the stream takes more, or takes nothing ever again. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('drain', resolve);
    stream.once('close', resolve);
  });
}
