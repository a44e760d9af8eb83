/**
 * A source that an external program decompresses.
 *
 * The compressed bytes go to the standard input of the program, and the source reads the program's standard output.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { errnoOf, messageOf, printable, StubferryError } from '../base/errors/index.js';
import type { StateSource } from '../formats/state-source.js';

/** A program that decompresses its standard input. */
export interface DecompressorProgram {
  /** The name of the program, which is looked up in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** The Debian package that contains the program. */
  readonly package: string;
}

const CHUNK = 64 * 1024;
/** How many characters of the program's standard error are kept. */
const STDERR_LIMIT = 1024;
/** Matches the messages of xz and zstd for an input that is truncated. */
const TRUNCATED_INPUT = /unexpected end|premature end|truncated/i;

/** Decompresses a source with an external program. */
export class Decompressor implements StateSource {
  readonly #source: StateSource;
  readonly #where: string;
  readonly #options: DecompressorProgram;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Resolves when the program has exited with status 0. */
  readonly #exited: Promise<void>;
  /** Resolves when the program has exited with status 0 and all input has been passed to it. */
  readonly #finished: Promise<void>;
  #rest: Uint8Array = new Uint8Array(0);
  #stderr = '';
  #closed = false;

  /** @param where the name of the input, for error messages */
  constructor(source: StateSource, where: string, options: DecompressorProgram) {
    this.#source = source;
    this.#where = where;
    this.#options = options;
    // The C locale makes the messages match TRUNCATED_INPUT.
    const env = { ...process.env, LC_ALL: 'C' };
    this.#child = spawn(options.program, [...options.args], { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.#chunks = this.#child.stdout[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('latin1')).slice(0, STDERR_LIMIT);
    });
    // The program closes its input early when the input is damaged. Its exit status reports the failure.
    this.#child.stdin.on('error', () => undefined);
    // The next read reports an error. An error before that read must not end this process as an unhandled rejection.
    this.#exited = this.#waitForExit();
    this.#finished = Promise.all([this.#exited, this.#feed()]).then(() => undefined);
    this.#finished.catch(() => undefined);
  }

  async #waitForExit(): Promise<void> {
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
        // The stream keeps the chunk until it is written, so it gets a copy. A program that has exited takes no more.
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
        // The exit of the program tells why its output ended.
        await this.#finished;
        throw cause;
      });
      if (next.done === true) {
        await this.#finished;
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
    const { program, package: name } = this.#options;
    return new StubferryError('UNPACKER_ABSENT', `cannot run ${program}, which decompresses this input`, {
      where: this.#where,
      expected: `the program ${program}`,
      found: errnoOf(cause) ?? messageOf(cause),
      hint: `install it (apt-get install ${name}), or decompress the input first`,
      cause,
    });
  }

  #failed(status: number | null): StubferryError {
    const { program } = this.#options;
    const stderr = printable(this.#stderr.trim());
    const isTruncated = TRUNCATED_INPUT.test(stderr);
    const message = `the ${program} stream is ${isTruncated ? 'truncated' : 'corrupt'}`;
    const exit = status === null ? `${program} was ended by a signal` : `${program} exited with status ${status}`;
    return new StubferryError(isTruncated ? 'TRUNCATED' : 'CORRUPT', message, {
      where: this.#where,
      found: stderr === '' ? exit : stderr,
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#child.kill('SIGKILL');
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    // The program must have exited; its status does not matter.
    await this.#exited.catch(() => undefined);
    await this.#source.close();
  }
}

/** Resolves when the stream accepts more data or is closed. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('drain', resolve);
    stream.once('close', resolve);
  });
}
