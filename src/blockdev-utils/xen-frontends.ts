/**
 * The block devices that other domains give to this one, by Xen's numbers, from sysfs (Linux' drivers/block/xen-blkfront.c):
 *
 *     /sys/bus/xen/devices/vbd-5632/block/xvdc/     ->  number 5632 (hdc), node /dev/xvdc
 *                                         '-- its inode: the kernel gives a number once, so that another disk has another one,
 *                                             whatever it is called; times of sysfs change when its cache is emptied
 *
 * A device without a disk is one that comes or goes; so is a disk without a node, which the kernel makes last and removes first.
 * A disk may have no sectors: that is how libxl attaches an empty CD-ROM drive.
 */
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, StubferryError } from '../base/errors/index.js';

export interface XenFrontend {
  /** Xen's number of the virtual device (docs/man/xen-vbd-interface.7): 5632 for hdc. */
  readonly devid: number;
  /** Path of its node, such as `/dev/xvdc`. */
  readonly node: string;
  /** Tells this disk from one that was there before under the same number and name. */
  readonly incarnation: string;
}

/** Where to look; in tests elsewhere. */
export interface FrontendPlaces {
  readonly devices: string;
  readonly nodes: string;
}

const PLACES: FrontendPlaces = { devices: '/sys/bus/xen/devices', nodes: '/dev' };

/** As many as a device model in a stubdom can have: docs/misc/stubdom.txt, "Limitations". */
const FRONTENDS_LIMIT = 26;

/** Numbers from here on are Xen's extended ones: transfer disks have them, and no disk that QEMU emulates. */
const EXTENDED = 1 << 28;

/** Entries of a folder that are looked at. A domain has some ten devices. */
const ENTRIES_LIMIT = 4096;

const DEVICE = /^vbd-(0|[1-9]\d{0,8})$/;
const DISK = /^xvd[a-z]{1,3}$/;

/**
 * The first 26, by number; none where there is no Xen.
 * @throws StubferryError DISK_IO when sysfs cannot be read
 */
export async function xenFrontends(places: FrontendPlaces = PLACES): Promise<readonly XenFrontend[]> {
  const devids = (await namesIn(places.devices))
    .flatMap((name) => DEVICE.exec(name)?.slice(1).map(Number) ?? [])
    .filter((devid) => devid < EXTENDED)
    .sort((one, other) => one - other)
    .slice(0, FRONTENDS_LIMIT);
  const found: XenFrontend[] = [];
  for (const devid of devids) {
    const folder = join(places.devices, `vbd-${devid}`, 'block');
    const disk = (await namesIn(folder)).find((name) => DISK.test(name));
    if (disk === undefined) continue;
    const node = join(places.nodes, disk);
    const [incarnation, hasNode] = [await inodeOf(join(folder, disk)), await inodeOf(node)];
    if (incarnation !== undefined && hasNode !== undefined) found.push({ devid, node, incarnation });
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder)) {
      names.push(name);
      if (names.length === ENTRIES_LIMIT) break;
    }
  } catch (cause) {
    return absent(folder, cause) ?? [];
  }
  return names;
}

async function inodeOf(path: string): Promise<string | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino.toString();
  } catch (cause) {
    return absent(path, cause);
  }
}

/** ENODEV: sysfs says so of what goes away while it is read. */
function absent(where: string, cause: unknown): undefined {
  const found = errnoOf(cause);
  if (found === 'ENOENT' || found === 'ENODEV') return;
  throw new StubferryError('DISK_IO', 'the block devices of this domain cannot be listed', { where, found, cause });
}
