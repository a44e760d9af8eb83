/** Replaces the functions of `node:fs` that the product uses in a transfer. They are calls of the current process. */
import { promisify } from 'node:util';
import type { Stat } from '../machine/file-system.js';
import { self } from './host.js';

export { constants } from 'node:fs';

type Done = (error: Error | null) => void;
type Got<T> = (error: Error | null, value: T) => void;

/** Converts one of Node's callbacks. */
function answering<T>(done: Got<T>): (error: Error | undefined, value?: T) => void {
  return (error, value) => done(error ?? null, value as T);
}

export function open(path: string, flags: number | string, ...rest: [Got<number>] | [number, Got<number>]): void {
  const process = self();
  const [mode, done] = rest.length === 1 ? [0o600, rest[0]] : rest;
  const bits = typeof flags === 'string' ? 0 : flags;
  process.call(`open ${path}`, () => process.descriptor(process.machine.files.open(path, bits, mode)), answering(done));
}

export function close(fd: number, done: Done): void {
  const process = self();
  process.call('close', () => process.closeFile(fd), answering<void>(done as Got<void>));
}

export function fdatasync(fd: number, done: Done): void {
  const process = self();
  process.call('fdatasync', () => process.file(fd), answering<unknown>(done as Got<unknown>));
}

export function fstatSync(fd: number): Stat {
  const process = self();
  const { inode, path } = process.file(fd);
  return process.machine.files.statOf(inode, path);
}

export function fstat(fd: number, done: Got<Stat>): void {
  self().call('fstat', () => fstatSync(fd), answering(done));
}

export function read(
  fd: number,
  into: Uint8Array,
  offset: number,
  length: number,
  position: number | null,
  done: Got<number>,
): void {
  const process = self();
  const file = process.file(fd);
  const bytes = into.subarray(offset, offset + length);
  if (file.inode.medium !== undefined) {
    process.machine.requests.submit('read', process, file, bytes, position ?? 0, answering(done));
    return;
  }
  const { stall, error } = process.machine.endpoints.meet('read', file.path, process);
  process.call(
    `read ${file.path}`,
    () => {
      if (error !== undefined) throw error;
      return process.machine.files.readAt(file, bytes, position);
    },
    answering(done),
    stall,
  );
}

Object.defineProperty(read, promisify.custom, {
  value: (fd: number, into: Uint8Array, offset: number, length: number, position: number | null) =>
    new Promise((resolve, reject) => {
      read(fd, into, offset, length, position, (error, bytesRead) =>
        error === null ? resolve({ bytesRead, buffer: into }) : reject(error),
      );
    }),
});

export function write(
  fd: number,
  from: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: Got<number>,
): void {
  const process = self();
  const bytes = from.subarray(offset, offset + length);
  process.machine.requests.submit('write', process, process.file(fd), bytes, position, answering(done));
}

export function readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number {
  const process = self();
  const bytes = into.subarray(offset, offset + length);
  return process.machine.requests.synchronous('read', process, process.file(fd), bytes, position);
}

export function writeSync(fd: number, from: Uint8Array, offset: number, length: number, position: number): number {
  const process = self();
  const bytes = from.subarray(offset, offset + length);
  return process.machine.requests.synchronous('write', process, process.file(fd), bytes, position);
}

/** Simulates inotify: it reports most writes, after a short time. */
export function watch(path: string, _options: object, onWrite: () => void): { on(): void; close(): void } {
  const process = self();
  const medium = process.machine.files.mediumOf(path);
  const notify = (): void => {
    if (process.world.random.chance(0.8)) process.after(process.latency(), onWrite);
  };
  medium?.watchers.add(notify);
  return { on: () => undefined, close: () => void medium?.watchers.delete(notify) };
}

export function mkdirSync(path: string, { mode }: { readonly mode: number }): void {
  const process = self();
  process.sync(`mkdir ${path}`, () => process.machine.files.mkdir(path, mode));
}

export function readFileSync(path: string): string {
  const process = self();
  const content = process.sync(`read ${path}`, () => process.machine.files.content(path));
  if (content === undefined) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
  return Buffer.from(content).toString('utf8');
}

export function writeFileSync(path: string, text: string): void {
  const process = self();
  const { files, endpoints } = process.machine;
  const { error } = endpoints.meet('write', path, process);
  process.sync(`write ${path}`, () => {
    // The file is created before it is written.
    files.put(path, new Uint8Array(0));
    if (error !== undefined) throw error;
  });
  process.sync(`write ${path}`, () => files.put(path, Buffer.from(text)));
}

export function renameSync(from: string, to: string): void {
  const process = self();
  process.sync(`rename ${from} ${to}`, () => process.machine.files.rename(from, to));
}

export function rmSync(path: string): void {
  const process = self();
  process.sync(`rm ${path}`, () => process.machine.files.removeAll(path));
}
