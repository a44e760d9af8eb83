/**
 * util-linux' losetup, started by a shell that is there already.
 *
 *     --"--find --show ..." LF "/dev/shm/transfer.img" LF--> sh --fork, exec--> losetup
 *     <--what it complains of NUL status NUL what it says NUL--'
 *
 * Why a shell: to start a program, Linux copies the page tables of who starts it, and Node's are large. A loop device takes 1.4 ms so, and 4.5
 * when Node starts losetup itself; under emulation that is a fifth of the time in which a disk is attached to a stubdom (docs/bench.md).
 *
 * It starts with the first call and waits, which costs nothing. It reads the end of its input when this process has ended, however that was,
 * and ends; what is sent to a process group to end it is not for it, since a loop device is to be given back after that.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { messageOf, printable, StubferryError } from '../base/errors/index.js';

const SCRIPT = [
  "trap '' HUP INT TERM",
  'exec 3>&1',
  'while IFS= read -r options && IFS= read -r path; do',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
  '  said=$(losetup $options ${path:+"$path"} < /dev/null 2>&3 3>&-)',
  `  printf '\\0%d\\0%s\\0' $? "$said"`,
  'done',
].join('\n');

/** For a losetup: one that takes longer hangs in a file or device, and with it whatever it is asked after it. */
const LOSETUP_MS = 15_000;

/** Of a reply: as many as `execFile` takes. A list of a thousand loop devices has 100,000. */
const REPLY_MAX = 1 << 20;

interface Reply {
  readonly parseError: string;
  readonly status: number;
  readonly said: string;
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(reason: Error): void;
}

export class Losetup {
  readonly #env: NodeJS.ProcessEnv;
  readonly #limitMs: number;
  #shell: Shell | undefined;

  /**
   * @param env of the shell: where losetup is found
   * @param limitMs for one losetup
   */
  constructor(env: NodeJS.ProcessEnv = process.env, limitMs = LOSETUP_MS) {
    this.#env = env;
    this.#limitMs = limitMs;
  }

  /**
   * What losetup says.
   *
   * @param where for messages
   * @param options without spaces in them
   * @param path of a file or device, where it is about one
   * @throws StubferryError DISK_IO when it fails
   */
  async run(where: string, options: readonly string[], path = ''): Promise<string> {
    // The shell reads lines.
    if (path.includes('\n')) throw failed(where, 'a line end in this path');
    let reply: Reply;
    try {
      if (this.#shell?.isOver !== false) this.#shell = new Shell(this.#env, this.#limitMs);
      reply = await this.#shell.ask(`${options.join(' ')}\n${path}\n`);
    } catch (cause) {
      throw failed(where, messageOf(cause), cause);
    }
    if (reply.status === 0) return reply.said;
    throw failed(where, reply.parseError === '' ? `exit status ${reply.status}` : reply.parseError);
  }
}

function failed(where: string, found: string, cause?: unknown): StubferryError {
  return new StubferryError('DISK_IO', 'losetup failed', {
    where,
    found: printable(found.trim().split('\n').slice(0, 2).join('; '), 400),
    hint: 'are you root, and is the loop module there (modprobe loop)?',
    cause,
  });
}

class Shell {
  readonly #child: ChildProcess;
  readonly #limitMs: number;
  readonly #waiting: Waiting[] = [];
  #heard = '';
  /** Of the order that is worked on. */
  #timer: NodeJS.Timeout | undefined;
  isOver = false;

  constructor(env: NodeJS.ProcessEnv, limitMs: number) {
    this.#limitMs = limitMs;
    this.#child = spawn('sh', ['-c', SCRIPT], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    // First: where there is no descriptor for its pipes, there are no pipes, and this is all that tells of it.
    this.#child.once('error', (error) => this.#end(error));
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    // That nobody reads any more is told by the end of the shell.
    this.#child.stdin?.on('error', () => undefined);
    // Not its close: a losetup that hangs keeps the pipe open.
    this.#child.once('exit', (status, signal) => this.#end(new Error(`the shell for it ended: ${signal ?? status}`)));
    this.#holdProcess(false);
  }

  ask(order: string): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#waiting.length === 1) this.#watch();
      this.#holdProcess(true);
      this.#child.stdin?.write(order);
    });
  }

  #hear(text: string): void {
    this.#heard += text;
    if (this.#heard.length > REPLY_MAX) this.#child.kill('SIGKILL');
    for (;;) {
      const [parseError = '', status, said, ...rest] = this.#heard.split('\0');
      if (said === undefined || rest.length === 0) return;
      this.#heard = rest.join('\0');
      this.#waiting.shift()?.resolve({ parseError, status: Number(status), said });
      this.#watch();
      if (this.#waiting.length === 0) this.#holdProcess(false);
    }
  }

  /** The order that is worked on now has its time. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.length === 0) return;
    const limit = this.#limitMs;
    this.#timer = setTimeout(() => {
      this.#end(new Error(`losetup does not end within ${limit} ms: the file or device that it is about may hang`));
      this.#child.kill('SIGKILL');
    }, limit);
  }

  #end(reason: Error): void {
    this.isOver = true;
    clearTimeout(this.#timer);
    this.#holdProcess(false);
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  /** Whether this process goes on for as long as the shell does. */
  #holdProcess(isHeld: boolean): void {
    const pipes = [this.#child.stdin, this.#child.stdout].filter((one) => one instanceof Socket);
    for (const handle of [this.#child, ...pipes]) {
      if (isHeld) handle.ref();
      else handle.unref();
    }
  }
}
