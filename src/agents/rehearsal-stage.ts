/**
 * What a rehearsal is played on: a disk that both sides open, and an output; files in memory, as over the embedded default.
 *
 * So the way to the kernel and back, and being told of a write, are gone before they are needed. A disk and an output that are only
 * bytes of this process leave that to the first state: docs/bench.md has by how much.
 */
import { readFile } from 'node:fs/promises';
import {
  type BlockDevice,
  memoryDevice,
  type NamelessFile,
  namelessFile,
  openDevice,
} from '../blockdev-utils/index.js';
import { type ByteOutput, callsAtOnce } from '../endpoints/index.js';
import type { Log } from './log.js';

export interface RehearsalStage {
  readonly sender: BlockDevice;
  readonly receiver: BlockDevice;
  readonly output: ByteOutput;
  /** What came out since the last time. */
  taken(): Promise<Uint8Array>;
  close(): Promise<void>;
}

interface Closeable {
  close(): Promise<unknown>;
}

/** @param size of the disk, bytes */
export async function rehearsalStage(size: number, log: Log): Promise<RehearsalStage> {
  const open: Closeable[] = [];
  const close = async (): Promise<void> => void (await Promise.all(open.splice(0).map((each) => each.close())));
  try {
    const ends = await overFiles(size, open);
    if (ends !== undefined) return { ...ends, close };
  } catch (error) {
    await close();
    throw error;
  }
  await close();
  log.info({ size }, 'no file system in memory to write to: the first state will take some milliseconds more');
  return inThisProcess(size);
}

/** @param open what is open so far, also when this fails */
async function overFiles(size: number, open: Closeable[]): Promise<Omit<RehearsalStage, 'close'> | undefined> {
  const kept = <T extends Closeable>(one: T): T => {
    open.push(one);
    return one;
  };
  const disk = await namelessFile(size);
  if (disk === undefined) return undefined;
  kept(disk.handle);
  const state = await namelessFile(0);
  if (state === undefined) return undefined;
  kept(state.handle);
  const device = async (): Promise<BlockDevice> => kept(await openDevice(disk.path, { access: 'buffered' }));
  return {
    ...{ sender: await device(), receiver: await device(), output: outputTo(state) },
    taken: async () => {
      const content = await readFile(state.path);
      await state.handle.truncate(0);
      return content;
    },
  };
}

function outputTo({ handle }: NamelessFile): ByteOutput {
  return {
    write: async (chunks) => void (await callsAtOnce.append(handle, chunks)),
    commit: () => callsAtOnce.sync(handle),
    discard: async () => true,
  };
}

/** Where there is no file system in memory. */
function inThisProcess(size: number): RehearsalStage {
  const device = memoryDevice(size);
  const written: Uint8Array[] = [];
  const output: ByteOutput = {
    write: async (chunks) => void written.push(...chunks.map((chunk) => Uint8Array.from(chunk))),
    commit: async () => undefined,
    discard: async () => true,
  };
  const [sender, receiver] = [device, device];
  return { sender, receiver, output, taken: async () => Buffer.concat(written.splice(0)), close: () => device.close() };
}
