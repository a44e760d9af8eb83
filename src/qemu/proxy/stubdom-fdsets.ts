/**
 * The sets of file descriptors that libxl expects in a stubdom's QEMU, one for each disk: Xen's docs/misc/stubdom.txt, "CD-ROM changing".
 *
 *     {"fdset-id": 1048576 + devid, "fds": [{"fd": ..., "opaque": "stub-devid:<devid>"}]}
 *
 * QEMU does not have them. A descriptor comes to it by SCM_RIGHTS, which Node cannot send, and none is needed: QEMU is in the same
 * domain as the disk and can open it by its path. So the proxy shows the sets, and names the path where libxl names a set:
 *
 *     query-fdsets                             what QEMU has, and these
 *     remove-fd N                              success; the set is not shown until another disk is there
 *     blockdev-change-medium /dev/fdset/N      blockdev-change-medium /dev/xvdc, to QEMU
 *
 * libxl (libxl_disk.c, cdrom_insert_*) removes the set, has the disk detached and another one attached, and asks every 200 ms until
 * the set is there again. To show the old disk for the new one would put the old medium back; hence the incarnations.
 */
import type { ClientCommand } from '../qmp/message.js';

/** A disk of the stubdom, which may be the medium of a drive. */
export interface Medium {
  /** Xen's number of the device: 0 to 2^28 - 1. */
  readonly devid: number;
  /** The path by which QEMU opens it. */
  readonly node: string;
  /** Another one for another disk, even if number and path are the same. */
  readonly incarnation: string;
}

/**
 * QEMU numbers its own sets from 0 on. The highest number here is below 2^29: QEMU reads it from a path as a C int (util/osdep.c,
 * qemu_parse_fdset), and libxl keeps it in one.
 */
const FIRST_FDSET = 1 << 20;

const FDSET_PATH = /^\/dev\/fdset\/(\d{1,10})$/;

/** A set, as `query-fdsets` of QEMU lists it (qapi/misc.json, FdsetInfo). */
export interface FdsetInfo {
  readonly 'fdset-id': number;
  readonly fds: readonly { readonly fd: number; readonly opaque: string }[];
}

/** What a command means to the sets. */
export type FdsetAction =
  | { readonly does: 'list'; readonly fdsets: readonly FdsetInfo[] }
  | { readonly does: 'remove'; readonly medium: Medium }
  /** QEMU is to be given these arguments instead. */
  | { readonly does: 'open'; readonly args: Readonly<Record<string, unknown>> };

/** Whether a command may concern the sets, which depends on the disks that are there. */
export function namesFdsets({ execute, arguments: args, outOfBand }: ClientCommand): boolean {
  if (outOfBand) return false;
  if (execute === 'query-fdsets') return true;
  if (execute === 'remove-fd') return isOfProxy(args['fdset-id']);
  return execute === 'blockdev-change-medium' && isOfProxy(fdsetInPath(args['filename']));
}

export class StubdomFdsets {
  /** Incarnations of the disks whose sets were removed. None is kept beyond its disk. */
  #removed: ReadonlySet<string> = new Set();

  /** @param media the disks that are there now. @returns undefined for what is QEMU's */
  actionFor({ execute, arguments: args }: ClientCommand, media: readonly Medium[]): FdsetAction | undefined {
    const present = new Set(media.map(nameOf));
    this.#removed = new Set([...this.#removed].filter((name) => present.has(name)));
    const shown = media.filter((medium) => !this.#removed.has(nameOf(medium)));
    if (execute === 'query-fdsets') return shown.length === 0 ? undefined : { does: 'list', fdsets: shown.map(infoOf) };
    const number = execute === 'remove-fd' ? args['fdset-id'] : fdsetInPath(args['filename']);
    const medium = shown.find(({ devid }) => fdsetOf(devid) === number);
    if (medium === undefined) return undefined;
    if (execute !== 'remove-fd') return { does: 'open', args: { ...args, filename: medium.node } };
    // A set has one descriptor; of another one, QEMU says that it is not there.
    return args['fd'] === undefined || args['fd'] === number ? { does: 'remove', medium } : undefined;
  }

  /** The set of this disk is not shown any more. */
  remove(medium: Medium): void {
    this.#removed = new Set([...this.#removed, nameOf(medium)]);
  }
}

/** There is no descriptor; the number of the set stands for it. */
function infoOf({ devid }: Medium): FdsetInfo {
  return { 'fdset-id': fdsetOf(devid), fds: [{ fd: fdsetOf(devid), opaque: `stub-devid:${devid}` }] };
}

function fdsetOf(devid: number): number {
  return FIRST_FDSET + devid;
}

function isOfProxy(number: unknown): boolean {
  return typeof number === 'number' && number >= FIRST_FDSET;
}

function fdsetInPath(path: unknown): number | undefined {
  const number = typeof path === 'string' ? FDSET_PATH.exec(path)?.[1] : undefined;
  return number === undefined ? undefined : Number(number);
}

function nameOf({ devid, incarnation }: Medium): string {
  return `${devid} ${incarnation}`;
}
