/**
 * Runs losetup of util-linux through a shell that stays running.
 *
 *     this process --"--find --show ..." LF "/dev/shm/transfer.img" LF--> sh --fork, exec--> losetup
 *                  <--stderr of losetup NUL exit status NUL stdout of losetup NUL--'
 *
 * To start a program, Linux copies the page tables of the starting process, and those of Node are large. Attaching a
 * loop device takes 1.4 ms through the shell and 4.5 ms when Node starts losetup itself. Under emulation the difference
 * is a fifth of the time in which a disk is attached to a stubdom (docs/notes/2026-11-29-attach-on-xen.md).
 *
 * The shell starts with the first call. While it waits, it costs nothing. When this process ends in any way, the shell
 * reads the end of its input and exits. The shell ignores HUP, INT and TERM, which may be sent to the whole process
 * group, because this process still has to detach loop devices after such a signal.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { messageOf, printable, StubferryError } from '../base/errors/index.js';
import { TIMEOUTS } from '../base/time/timeouts.js';

const SCRIPT = [
  "trap '' HUP INT TERM",
  'exec 3>&1',
  'while IFS= read -r options && IFS= read -r path; do',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own syntax
  '  output=$(losetup $options ${path:+"$path"} < /dev/null 2>&3 3>&-)',
  `  printf '\\0%d\\0%s\\0' $? "$output"`,
  'done',
].join('\n');

/**
 * The maximum length of a reply in characters. `execFile` has the same default. A list of a thousand loop devices has
 * 100,000 characters.
 */
const REPLY_MAX = 1 << 20;

interface Reply {
  readonly stderr: string;
  readonly status: number;
  readonly stdout: string;
}

interface PendingRequest {
  resolve(reply: Reply): void;
  reject(reason: Error): void;
}

/** Runs losetup, and starts a new shell when the previous one has ended. */
export class Losetup {
  readonly #env: NodeJS.ProcessEnv;
  readonly #limitMs: number;
  #shell: Shell | undefined;

  /**
   * @param env the environment of the shell, whose PATH must contain losetup
   * @param limitMs how long one losetup may take, in milliseconds
   */
  constructor(env: NodeJS.ProcessEnv = process.env, limitMs: number = TIMEOUTS.losetup) {
    this.#env = env;
    this.#limitMs = limitMs;
  }

  /**
   * Runs losetup.
   * @param where the file or device, for error messages
   * @param options the options of losetup, which must not contain spaces
   * @param path the path of a file or device, or an empty string when losetup takes none
   * @returns the standard output of losetup without the line feeds at its end
   * @throws StubferryError DISK_IO: when losetup fails
   */
  async run(where: string, options: readonly string[], path = ''): Promise<string> {
    // The shell reads the request line by line.
    if (path.includes('\n')) throw failed(where, 'a line feed in the path');
    let reply: Reply;
    try {
      if (this.#shell?.hasEnded !== false) this.#shell = new Shell(this.#env, this.#limitMs);
      reply = await this.#shell.request(`${options.join(' ')}\n${path}\n`);
    } catch (cause) {
      throw failed(where, messageOf(cause), cause);
    }
    if (reply.status === 0) return reply.stdout;
    throw failed(where, reply.stderr === '' ? `exit status ${reply.status}` : reply.stderr);
  }
}

function failed(where: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('DISK_IO', 'losetup failed', {
    where,
    found: printable(found.trim().split('\n').slice(0, 2).join('; '), 400),
    hint: 'run this as root, and load the loop module (modprobe loop)',
    cause,
  });
}

class Shell {
  readonly #child: ChildProcess;
  readonly #limitMs: number;
  readonly #pending: PendingRequest[] = [];
  #received = '';
  /** The timeout of the request that losetup currently processes. */
  #timer: NodeJS.Timeout | undefined;
  hasEnded = false;

  constructor(env: NodeJS.ProcessEnv, limitMs: number) {
    this.#limitMs = limitMs;
    this.#child = spawn('sh', ['-c', SCRIPT], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    // This listener comes first: when no descriptors are left for the pipes, there are no pipes and only this event.
    this.#child.once('error', (error) => this.#end(error));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#receive(text));
    // The exit of the shell reports that its input is closed.
    this.#child.stdin?.on('error', () => undefined);
    // The 'close' event does not work here, because a losetup that hangs keeps the pipe open.
    this.#child.once('exit', (status, signal) => {
      this.#end(new Error(`the shell that runs losetup ended: ${signal ?? status}`));
    });
    this.#holdProcess(false);
  }

  request(lines: string): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      if (this.#pending.length === 1) this.#restartTimer();
      this.#holdProcess(true);
      this.#child.stdin?.write(lines);
    });
  }

  #receive(text: string): void {
    this.#received += text;
    if (this.#received.length > REPLY_MAX) this.#child.kill('SIGKILL');
    for (;;) {
      const [stderr = '', status, stdout, ...rest] = this.#received.split('\0');
      if (stdout === undefined || rest.length === 0) return;
      this.#received = rest.join('\0');
      this.#pending.shift()?.resolve({ stderr, status: Number(status), stdout });
      this.#restartTimer();
      if (this.#pending.length === 0) this.#holdProcess(false);
    }
  }

  /** Starts the timeout of the request that losetup processes next. */
  #restartTimer(): void {
    clearTimeout(this.#timer);
    if (this.#pending.length === 0) return;
    const limit = this.#limitMs;
    this.#timer = setTimeout(() => {
      this.#end(new Error(`losetup did not finish within ${limit} ms: its file or device may hang`));
      this.#child.kill('SIGKILL');
    }, limit);
  }

  #end(reason: Error): void {
    this.hasEnded = true;
    clearTimeout(this.#timer);
    this.#holdProcess(false);
    for (const { reject } of this.#pending.splice(0)) reject(reason);
  }

  /** Sets whether the shell keeps this process running. */
  #holdProcess(isHeld: boolean): void {
    const pipes = [this.#child.stdin, this.#child.stdout].filter((one) => one instanceof Socket);
    for (const handle of [this.#child, ...pipes]) {
      if (isHeld) handle.ref();
      else handle.unref();
    }
  }
}
