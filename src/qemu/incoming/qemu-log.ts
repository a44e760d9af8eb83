/** What QEMU wrote to its log since we began to listen: its reason, when it has ended. */
import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Most bytes read of the end of a log. */
const TAIL_BYTES = 8 * 1024;

/** QEMU begins each line with its own name. */
const OWN_NAME = /^\S*qemu-system-\S+: /;

/** QEMU's last words may still be on their way (through a pipe, to a logger) when it is gone, milliseconds. */
const LAST_WORDS_MS = 100;

export class QemuLog {
  readonly #path: string;
  readonly #from: number;

  private constructor(path: string, from: number) {
    this.#path = path;
    this.#from = from;
  }

  /** From its end of now on. A log that is not there yet begins with its first byte. */
  static async from(path: string): Promise<QemuLog> {
    const there = await stat(path).catch(() => undefined);
    return new QemuLog(path, there?.size ?? 0);
  }

  /** What QEMU wrote since, its lines joined by `; `; undefined when it wrote nothing. */
  async sentence(): Promise<string | undefined> {
    await delay(LAST_WORDS_MS);
    const text = await this.#read().catch(() => '');
    const lines = text.split(/\r?\n/).map((line) => line.trim().replace(OWN_NAME, ''));
    const said = lines.filter((line) => line !== '').join('; ');
    return said === '' ? undefined : said;
  }

  async #read(): Promise<string> {
    const file = await open(this.#path);
    try {
      const { size } = await file.stat();
      // A log that has become shorter was begun anew.
      const from = size < this.#from ? 0 : this.#from;
      const buffer = Buffer.alloc(Math.min(size - from, TAIL_BYTES));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
