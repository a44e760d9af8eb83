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

export interface RehearsalStage {
  readonly sender: BlockDevice;
  readonly receiver: BlockDevice;
  readonly output: ByteOutput;
  /** What came out since the last time. */
  taken(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** @param size of the disk, bytes */
export async function rehearsalStage(size: number): Promise<RehearsalStage> {
  const disk = await namelessFile(size);
  const state = await namelessFile(0);
  if (disk === undefined || state === undefined) return inThisProcess(size);
  const access = 'buffered';
  const [sender, receiver] = [await openDevice(disk.path, { access }), await openDevice(disk.path, { access })];
  return {
    ...{ sender, receiver, output: outputTo(state) },
    taken: async () => {
      const content = await readFile(state.path);
      await state.handle.truncate(0);
      return content;
    },
    close: async () => {
      await Promise.all([sender.close(), receiver.close(), disk.handle.close(), state.handle.close()]);
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
