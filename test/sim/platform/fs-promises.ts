/** Replaces the functions of `node:fs/promises` that the product uses in a transfer. */
import type { Stat } from '../machine/file-system.js';
import type { Process } from '../machine/process.js';
import { self } from './host.js';

export { constants } from 'node:fs';

/** Executes a system call on a path, with the faults of that path. */
async function on<T>(call: string, path: string, effect: (process: Process) => T): Promise<T> {
  const process = self();
  const { stall, error } = process.machine.endpoints.meet(call, path, process);
  const what = `${call} ${path}`;
  return process.asked(
    what,
    () => {
      if (error !== undefined) throw error;
      return effect(process);
    },
    stall,
  );
}

export class FileHandle {
  readonly fd: number;
  readonly #process: Process;
  readonly #path: string;

  constructor(fd: number, path: string, process: Process) {
    this.fd = fd;
    this.#path = path;
    this.#process = process;
  }

  async writev(chunks: readonly Uint8Array[]): Promise<{ bytesWritten: number }> {
    const bytesWritten = await on('write', this.#path, ({ machine, world }) => {
      const file = this.#process.file(this.fd);
      // A file system that is nearly full writes only a part.
      if (world.calm || !world.random.chance(0.02)) return machine.files.append(file, chunks);
      const [first] = chunks;
      return first === undefined
        ? 0
        : machine.files.append(file, [first.subarray(0, world.random.below(first.length))]);
    });
    return { bytesWritten };
  }

  async write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> {
    const chunk = bytes.subarray(offset, offset + length);
    const bytesWritten = await on('write', this.#path, ({ machine }) =>
      machine.files.append(this.#process.file(this.fd), [chunk]),
    );
    return { bytesWritten };
  }

  sync(): Promise<void> {
    return on('fsync', this.#path, ({ machine }) => machine.files.fsync(this.#process.file(this.fd)));
  }

  stat(): Promise<Stat> {
    return on('fstat', this.#path, ({ machine }) =>
      machine.files.statOf(this.#process.file(this.fd).inode, this.#path),
    );
  }

  truncate(size: number): Promise<void> {
    return on('truncate', this.#path, ({ machine }) => machine.files.truncate(this.#process.file(this.fd), size));
  }

  close(): Promise<void> {
    return this.#process.asked('close', () => this.#process.closeFile(this.fd));
  }
}

export function open(path: string, flags: number | string, mode = 0o600): Promise<FileHandle> {
  const bits = typeof flags === 'string' ? 0 : flags;
  return on('open', path, (process) => {
    const fd = process.descriptor(process.machine.files.open(path, bits, mode));
    return new FileHandle(fd, path, process);
  });
}

export const stat = (path: string): Promise<Stat> => on('stat', path, ({ machine }) => machine.files.stat(path));
export const lstat = (path: string): Promise<Stat> => on('lstat', path, ({ machine }) => machine.files.stat(path));
export const statfs = (path: string): Promise<{ type: number; bavail: number; bsize: number }> =>
  on('statfs', path, ({ machine }) => machine.files.statfs(path));
export const readdir = (path: string): Promise<string[]> =>
  on('readdir', path, ({ machine }) => machine.files.readdir(path));
export const unlink = (path: string): Promise<void> => on('unlink', path, ({ machine }) => machine.files.unlink(path));
export const link = (from: string, to: string): Promise<void> =>
  on('link', from, ({ machine }) => machine.files.link(from, to));
export const rename = (from: string, to: string): Promise<void> =>
  on('rename', from, ({ machine }) => machine.files.rename(from, to));
export const rm = (path: string, _options: object): Promise<void> =>
  on('rm', path, ({ machine }) => machine.files.removeAll(path));
export const realpath = async (path: string): Promise<string> => path;

/** The product always sets `recursive`, so that an existing directory is not an error. */
export const mkdir = (path: string, { mode }: { readonly mode: number }): Promise<void> =>
  on('mkdir', path, ({ machine }) => {
    if (!machine.files.has(path)) machine.files.mkdir(path, mode);
  });

/** Only for sysfs: returns the sector size of the only disk. */
export const readFile = (path: string, _encoding: 'utf8'): Promise<string> =>
  on('read', path, () => {
    if (!path.endsWith('/queue/logical_block_size')) throw new Error(`${path} is not simulated`);
    return '512\n';
  });
