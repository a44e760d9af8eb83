/**
 * The fdsets (sets of file descriptors) that libxl expects in a stubdom's QEMU, one for each disk:
 * docs/misc/stubdom.txt of Xen, "CD-ROM changing".
 *
 *     {"fdset-id": 1048576 + devid, "fds": [{"fd": ..., "opaque": "stub-devid:<devid>"}]}
 *
 * QEMU itself does not have these fdsets. It receives a descriptor by SCM_RIGHTS, which Node cannot send. QEMU also
 * needs none: it runs in the same domain as the disk and can open it by its path. So the proxy reports the fdsets, and
 * replaces an fdset by the path of the disk:
 *
 *     query-fdsets                             QEMU's own fdsets, followed by these
 *     remove-fd N                              success; the fdset is hidden until another disk is attached
 *     blockdev-change-medium /dev/fdset/N      blockdev-change-medium /dev/xvdc, sent to QEMU
 *
 * libxl (libxl_disk.c, cdrom_insert_*) removes the fdset, detaches the disk, attaches another one, and queries every
 * 200 ms until the fdset exists again. If the proxy reported the old disk instead of the new one, libxl would insert
 * the old medium again; therefore each disk has an incarnation.
 */
import type { ClientCommand } from '../qmp/message.js';

/** A disk of the stubdom that may be the medium of a drive. */
export interface Medium {
  /** Xen's device number: 0 to 2^28 - 1. */
  readonly devid: number;
  /** The path by which QEMU opens it. */
  readonly node: string;
  /** Identifies the disk: it differs for another disk with the same number and path. */
  readonly incarnation: string;
}

/**
 * The number of the first fdset of the proxy. QEMU numbers its own fdsets from 0. The highest number of the proxy is
 * below 2^29, because QEMU parses the number in a path as a C int (util/osdep.c, qemu_parse_fdset), and libxl stores it
 * in one.
 */
const FIRST_FDSET = 1 << 20;

const FDSET_PATH = /^\/dev\/fdset\/(\d{1,10})$/;

/** An fdset in the reply to `query-fdsets` (qapi/misc.json of QEMU, FdsetInfo). */
export interface FdsetInfo {
  readonly 'fdset-id': number;
  readonly fds: readonly { readonly fd: number; readonly opaque: string }[];
}

/** What the proxy does for a command. */
export type FdsetAction =
  | { readonly does: 'list'; readonly fdsets: readonly FdsetInfo[] }
  | { readonly does: 'remove'; readonly medium: Medium }
  /** QEMU must receive these arguments instead. */
  | { readonly does: 'open'; readonly args: Readonly<Record<string, unknown>> };

/** Whether a command may concern the proxy's fdsets. The attached disks decide whether it does. */
export function namesFdsets({ execute, arguments: args, outOfBand }: ClientCommand): boolean {
  if (outOfBand) return false;
  if (execute === 'query-fdsets') return true;
  if (execute === 'remove-fd') return isOfProxy(args['fdset-id']);
  return execute === 'blockdev-change-medium' && isOfProxy(fdsetInPath(args['filename']));
}

/** Maps the disks of a stubdom to fdsets. */
export class StubdomFdsets {
  /** The names of the disks whose fdsets were removed. A name is dropped when its disk is detached. */
  #removed: ReadonlySet<string> = new Set();

  /** @param media the disks that are attached now. @returns undefined for a command that only QEMU must handle */
  actionFor({ execute, arguments: args }: ClientCommand, media: readonly Medium[]): FdsetAction | undefined {
    const present = new Set(media.map(nameOf));
    this.#removed = new Set([...this.#removed].filter((name) => present.has(name)));
    const shown = media.filter((medium) => !this.#removed.has(nameOf(medium)));
    if (execute === 'query-fdsets') return shown.length === 0 ? undefined : { does: 'list', fdsets: shown.map(infoOf) };
    const number = execute === 'remove-fd' ? args['fdset-id'] : fdsetInPath(args['filename']);
    const medium = shown.find(({ devid }) => fdsetOf(devid) === number);
    if (medium === undefined) return undefined;
    if (execute !== 'remove-fd') return { does: 'open', args: { ...args, filename: medium.node } };
    // An fdset has one descriptor. QEMU itself reports that any other one does not exist.
    return args['fd'] === undefined || args['fd'] === number ? { does: 'remove', medium } : undefined;
  }

  /** Hides the fdset of this disk. */
  remove(medium: Medium): void {
    this.#removed = new Set([...this.#removed, nameOf(medium)]);
  }
}

/** There is no descriptor; the number of the fdset takes its place. */
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
