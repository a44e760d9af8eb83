/** Reads what QEMU has written to its log since a given moment: the reason why it exited. */

import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { TIMEOUTS } from '../../base/time/timeouts.js';

/** The largest part read from the end of a log, in bytes. */
const TAIL_BYTES = 8 * 1024;

/** QEMU starts each line with its program name. */
const OWN_NAME = /^\S*qemu-system-\S+: /;

/** The log of a QEMU, from a fixed position on. */
export class QemuLog {
  readonly #path: string;
  readonly #from: number;

  private constructor(path: string, from: number) {
    this.#path = path;
    this.#from = from;
  }

  /** Starts at the current end of the log, or at its first byte if the log does not exist yet. */
  static async from(path: string): Promise<QemuLog> {
    const present = await stat(path).catch(() => undefined);
    return new QemuLog(path, present?.size ?? 0);
  }

  /** Returns the lines that QEMU has written since, joined by `; `; undefined when there are none. */
  async message(): Promise<string | undefined> {
    await delay(TIMEOUTS.qemuLog);
    const text = await this.#read().catch(() => '');
    const lines = text.split(/\r?\n/).map((line) => line.trim().replace(OWN_NAME, ''));
    const message = lines.filter((line) => line !== '').join('; ');
    return message === '' ? undefined : message;
  }

  async #read(): Promise<string> {
    const file = await open(this.#path);
    try {
      const { size } = await file.stat();
      // A log that has become shorter was truncated or replaced.
      const from = size < this.#from ? 0 : this.#from;
      const buffer = Buffer.alloc(Math.min(size - from, TAIL_BYTES));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  }
}
