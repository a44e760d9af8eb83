/**
 * The block device of dom0 that a vbd is made of: a loop device over a file, or the backing itself where that is a block device.
 */
import { realpath } from 'node:fs/promises';
import {
  attachLoop,
  type BackingKind,
  detachLoop,
  deviceNumber,
  fileBehind,
  type LoopDevice,
  listLoops,
} from '../../blockdev-utils/index.js';

export interface Dom0Node {
  readonly path: string;
  /** Major and minor in hexadecimal, as xen-blkback takes them (sscanf "%x:%x"). */
  readonly physicalDevice: string;
}

/** @throws StubferryError DISK_INCOHERENT, DISK_IO; then nothing is attached */
export async function makeNode(backing: string, kind: BackingKind): Promise<Dom0Node> {
  const path = kind === 'block' ? backing : (await attachLoop(backing, { directIo: kind !== 'memory' })).node;
  const { major, minor } = await deviceNumber(path);
  return { path, physicalDevice: `${major.toString(16)}:${minor.toString(16)}` };
}

/**
 * Lets go of the loop device over a backing; none is fine.
 * @param node of the attachment, if there is one
 * @throws StubferryError DISK_IO when somebody keeps it open
 */
export async function releaseNode(backing: string, node?: string): Promise<void> {
  // Where the backing is itself the block device, nothing was made.
  if (node === backing) return;
  // By the file: the loop device may be another's by now.
  const names = [backing, await realpath(backing).catch(() => backing)];
  const isOver = (file: string | undefined): boolean => file !== undefined && names.includes(withoutRemoved(file));
  // The list takes a process more, which is half of the time.
  if (node !== undefined && isOver(await fileBehind(node))) return detachLoop(node);
  for (const loop of await listLoops()) if (isOver(loop.file)) await detachLoop(loop.node);
}

/** What a kernel adds to the name of a file that has been removed. */
const REMOVED = ' (deleted)';

/** The file behind a loop device, by the name that it has or had. */
export function fileOf({ file }: LoopDevice): string {
  return withoutRemoved(file);
}

function withoutRemoved(file: string): string {
  return file.endsWith(REMOVED) ? file.slice(0, -REMOVED.length) : file;
}
