/**
 * Lists the block devices that other domains provide to this domain, with their Xen device numbers.
 *
 * The source is sysfs (drivers/block/xen-blkfront.c of Linux):
 *
 *     /sys/bus/xen/devices/vbd-5632/block/xvdc/     ->  number 5632 (hdc), node /dev/xvdc
 *                                         '-- The inode of this directory identifies the disk. The kernel assigns an
 *                                             inode number only once, so another disk has another inode, even under the
 *                                             same name. The timestamps of sysfs are not used, because they change when
 *                                             its cache is emptied.
 *
 * A device without a disk is being attached or detached. So is a disk without a device node, because the kernel creates
 * the node last and removes it first. A disk may have no sectors: libxl attaches an empty CD-ROM drive in this way.
 */
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, StubferryError } from '../base/errors/index.js';

/** A block device of another domain. */
export interface XenFrontend {
  /** The Xen number of the virtual device (docs/man/xen-vbd-interface.7), for example 5632 for hdc. */
  readonly devid: number;
  /** The path of the device node, such as `/dev/xvdc`. */
  readonly node: string;
  /** Distinguishes this disk from an earlier one with the same number and name. */
  readonly incarnation: string;
}

/** The directories that {@link xenFrontends} reads. Tests use other ones. */
export interface FrontendDirectories {
  readonly devices: string;
  readonly nodes: string;
}

const DIRECTORIES: FrontendDirectories = { devices: '/sys/bus/xen/devices', nodes: '/dev' };

/** The maximum number of disks of a device model in a stubdom (Xen's docs/misc/stubdom.txt, "Limitations"). */
const FRONTENDS_LIMIT = 26;

/**
 * The lowest extended device number of Xen. Transfer disks have extended numbers; the disks that QEMU emulates do not.
 */
const EXTENDED = 1 << 28;

/** The maximum number of directory entries that are read. A domain has about ten devices. */
const ENTRIES_LIMIT = 4096;

const DEVICE = /^vbd-(0|[1-9]\d{0,8})$/;
const DISK = /^xvd[a-z]{1,3}$/;

/**
 * Lists the first 26 block devices, ordered by number. The list is empty outside of Xen.
 * @throws StubferryError DISK_IO: when sysfs cannot be read
 */
export async function xenFrontends(directories: FrontendDirectories = DIRECTORIES): Promise<readonly XenFrontend[]> {
  const devids = (await namesIn(directories.devices))
    .flatMap((name) => DEVICE.exec(name)?.slice(1).map(Number) ?? [])
    .filter((devid) => devid < EXTENDED)
    .sort((one, other) => one - other)
    .slice(0, FRONTENDS_LIMIT);
  const found: XenFrontend[] = [];
  for (const devid of devids) {
    const directory = join(directories.devices, `vbd-${devid}`, 'block');
    const disk = (await namesIn(directory)).find((name) => DISK.test(name));
    if (disk === undefined) continue;
    const node = join(directories.nodes, disk);
    const [incarnation, hasNode] = [await inodeOf(join(directory, disk)), await inodeOf(node)];
    if (incarnation !== undefined && hasNode !== undefined) found.push({ devid, node, incarnation });
  }
  return found;
}

async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(directory)) {
      names.push(name);
      if (names.length === ENTRIES_LIMIT) break;
    }
  } catch (cause) {
    return ignoreAbsent(directory, cause) ?? [];
  }
  return names;
}

async function inodeOf(path: string): Promise<string | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino.toString();
  } catch (cause) {
    return ignoreAbsent(path, cause);
  }
}

/** Ignores ENOENT and ENODEV. sysfs returns ENODEV for an entry that is removed while it is read. */
function ignoreAbsent(where: string, cause: unknown): undefined {
  const found = errnoOf(cause);
  if (found === 'ENOENT' || found === 'ENODEV') return;
  throw new StubferryError('DISK_IO', 'cannot list the block devices of this domain', { where, found, cause });
}
