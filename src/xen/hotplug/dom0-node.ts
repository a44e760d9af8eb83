/** dom0's block device for a vbd: a loop device over a file, or the backing itself when it is a block device. */
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

/** dom0's block device for a vbd. */
export interface Dom0Node {
  readonly path: string;
  /** Major and minor number in hexadecimal, in the format that xen-blkback parses (sscanf "%x:%x"). */
  readonly physicalDevice: string;
}

/**
 * Attaches a loop device if the backing needs one.
 * @throws StubferryError DISK_INCOHERENT, DISK_IO: then nothing is attached
 */
export async function makeNode(backing: string, kind: BackingKind): Promise<Dom0Node> {
  const path = kind === 'block' ? backing : (await attachLoop(backing, { directIo: kind !== 'memory' })).node;
  const { major, minor } = await deviceNumber(path);
  return { path, physicalDevice: `${major.toString(16)}:${minor.toString(16)}` };
}

/**
 * Detaches the loop device over a backing, if it exists.
 * @param node the node of the attachment, if known
 * @throws StubferryError DISK_IO: when another process keeps the device open
 */
export async function releaseNode(backing: string, node?: string): Promise<void> {
  // When the backing itself is the block device, nothing was attached.
  if (node === backing) return;
  // Compare the file: the loop device may belong to another file by now.
  const names = [backing, await realpath(backing).catch(() => backing)];
  const isBacking = (file: string | undefined): boolean => file !== undefined && names.includes(withoutRemoved(file));
  // Listing all loop devices starts another process, which doubles the time.
  if (node !== undefined && isBacking(await fileBehind(node))) return detachLoop(node);
  for (const loop of await listLoops()) if (isBacking(loop.file)) await detachLoop(loop.node);
}

/** What the kernel appends to the name of a removed file. */
const REMOVED = ' (deleted)';

/** The file behind a loop device, by its present name or, after its removal, by its last one. */
export function fileOf({ file }: LoopDevice): string {
  return withoutRemoved(file);
}

function withoutRemoved(file: string): string {
  return file.endsWith(REMOVED) ? file.slice(0, -REMOVED.length) : file;
}
