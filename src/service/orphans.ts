/**
 * Finds and removes the orphans of a killed service. It touches only what is stubferry's: directories that are named by
 * a UUID in the service's own transfer directory, devices that the hotplug driver has marked, and temporary files that
 * carry the UUID of the transfer and that no process holds.
 *
 *     directory with a journal      -> notify the stubdom; detach the disk; remove the temporary file, the
 *                                      unacknowledged file and the directory
 *     directory without a journal   -> remove it
 *     device without a directory    -> detach it
 *
 * A file at the destination is removed too, if it has its final name but the sender was not notified. That sender gets
 * an error, so the toolstack fails the save, and no file may look like a successful one. Sometimes it is unknown
 * whether the sender was notified, because the disk is missing or does not answer. The file then stays, and nothing is
 * reported to the stubdom: it is worse to lose a state that somebody relies on.
 */
import { lstat, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { withDiskDeadline } from '../agents/index.js';
import { errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import type { Log } from '../base/log.js';
import { type BlockDevice, backingOf, openDevice } from '../blockdev-utils/index.js';
import { DOM0_ROLE, type Phase } from '../formats/protocol/control-block.js';
import type { Superblock } from '../formats/protocol/superblock.js';
import { temporaryPath } from '../io/index.js';
import { dom0Phase, Link, readSuperblock, type Timeouts } from '../transfer/ring/index.js';
import type { Attachment, HotplugDriver } from '../xen/hotplug/index.js';
import { type Journal, type OrphanDirectory, orphanDirectories } from './transfer-directory.js';

/** One orphan, as in the output of `stubferry gc` and in its JSON document. */
export interface Orphan {
  readonly kind: 'directory' | 'disk' | 'temporary' | 'unacknowledged file' | 'attachment';
  /** A path; the device of an attachment. */
  readonly what: string;
  /** The UUID of the transfer, if it is known. */
  readonly transfer: string | undefined;
}

/** The options of {@link findOrphans} and {@link removeOrphans}. */
export interface OrphanOptions {
  readonly driver: HotplugDriver;
  readonly transferDir: string;
  /** The UUIDs of the active transfers. Their directories and disks are not orphans. */
  readonly active: ReadonlySet<string>;
  readonly timeouts: Timeouts;
  readonly log: Log;
}

/** What the access to an orphaned disk needs. */
type DiskAccess = Pick<OrphanOptions, 'driver' | 'timeouts' | 'log'>;

/** An orphan and the function that removes it. */
interface RemovableOrphan extends Orphan {
  readonly remove: () => Promise<void>;
}

/**
 * Lists all orphans.
 *
 * @throws errors of the driver
 */
export async function findOrphans(options: OrphanOptions): Promise<Orphan[]> {
  return (await search(options)).map(({ kind, what, transfer }) => ({ kind, what, transfer }));
}

/**
 * Removes all orphans. Logs an orphan that cannot be removed, and continues with the next one.
 *
 * @returns the removed orphans, and the ones that could not be removed
 * @throws errors of the driver
 */
export async function removeOrphans(options: OrphanOptions): Promise<{ removed: Orphan[]; kept: Orphan[] }> {
  const removed: Orphan[] = [];
  const kept: Orphan[] = [];
  for (const { kind, what, transfer, remove } of await search(options)) {
    try {
      await remove();
      removed.push({ kind, what, transfer });
    } catch (cause) {
      kept.push({ kind, what, transfer });
      options.log.warn(
        { what, transfer, error: StubferryError.from(cause).report() },
        `cannot remove an orphan: ${kind}`,
      );
    }
  }
  if (removed.length > 0) options.log.info({ removed }, 'removed the orphans of a killed service');
  return { removed, kept };
}

async function search(options: OrphanOptions): Promise<RemovableOrphan[]> {
  const { driver, transferDir, active } = options;
  const found: RemovableOrphan[] = [];
  const directories = (await orphanDirectories(transferDir)).filter(({ transfer }) => !active.has(transfer));
  const attached = await driver.orphans(transferDir);
  for (const directory of directories) found.push(...(await orphansOf(directory, attached, options)));
  const images = new Set(directories.map(({ path }) => join(path, 'transfer.img')));
  for (const attachment of attached) {
    if (!images.has(attachment.backing)) found.push(orphanedAttachment(attachment, undefined, driver));
  }
  return found;
}

async function orphansOf(
  { path, transfer, journal }: OrphanDirectory,
  attached: readonly Attachment[],
  access: DiskAccess,
): Promise<RemovableOrphan[]> {
  const { driver } = access;
  const found: RemovableOrphan[] = [];
  const image = join(path, 'transfer.img');
  const mayBeAcknowledged = wasPossiblyAcknowledged(journal, await lastPhase(image, access));
  if (await exists(image)) {
    const notify = async (): Promise<void> => {
      if (!mayBeAcknowledged) await notifyStubdom(image, access);
    };
    found.push({ kind: 'disk', what: image, transfer, remove: notify });
  }
  const attachments = attached.filter(({ backing }) => backing === image);
  // The journal contains an attachment only after the attach is complete. The driver also finds an incomplete one.
  if (attachments.length === 0 && journal?.attachment !== undefined) attachments.push(journal.attachment);
  for (const attachment of attachments) found.push(orphanedAttachment(attachment, transfer, driver));
  if (journal?.destination !== undefined)
    found.push(...(await orphansAt(journal.destination, journal, mayBeAcknowledged)));
  found.push({ kind: 'directory', what: path, transfer, remove: () => rm(path, { recursive: true, force: true }) });
  return found;
}

/**
 * Whether the sender may have been notified that the state is safe. The service publishes the acknowledgement on the
 * disk a moment before it notes it in the journal.
 */
function wasPossiblyAcknowledged(journal: Journal | undefined, phase: Phase | undefined): boolean {
  if (journal?.acknowledged === true || phase === 'committed') return true;
  return phase === undefined && journal?.published !== undefined;
}

/** The last phase that the killed service published on the disk, or undefined when it cannot be read. */
async function lastPhase(image: string, access: DiskAccess): Promise<Phase | undefined> {
  try {
    return await onDisk(image, access, dom0Phase);
  } catch (error) {
    if (error instanceof StubferryError) return undefined;
    throw error;
  }
}

/** Opens and uses the disk. The disk deadline keeps a disk that does not answer from blocking the service. */
async function onDisk<T>(
  image: string,
  { driver, timeouts }: DiskAccess,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
): Promise<T> {
  const device = await openDevice(image, { access: driver.accessTo(await backingOf(image)) });
  try {
    // This signal is never aborted: only the deadline ends the access.
    const { signal } = new AbortController();
    const used = readSuperblock(device).then((superblock) => use(device, superblock));
    return await withDiskDeadline(image, { timeouts, signal }, used);
  } finally {
    await device.close();
  }
}

function orphanedAttachment(
  attachment: Attachment,
  transfer: string | undefined,
  driver: HotplugDriver,
): RemovableOrphan {
  const remove = async (): Promise<void> => void (await driver.detach(attachment));
  return { kind: 'attachment', what: attachment.device, transfer, remove };
}

async function orphansAt(
  destination: string,
  { transfer, published }: Journal,
  mayBeAcknowledged: boolean,
): Promise<RemovableOrphan[]> {
  const found: RemovableOrphan[] = [];
  const temporary = temporaryPath(destination, transfer);
  if (await exists(temporary))
    found.push({ kind: 'temporary', what: temporary, transfer, remove: () => unlink(temporary) });
  const present = await lstat(destination).catch(() => undefined);
  const isPublished = published !== undefined && present?.dev === published.dev && present.ino === published.ino;
  if (isPublished && !mayBeAcknowledged)
    found.push({ kind: 'unacknowledged file', what: destination, transfer, remove: () => unlink(destination) });
  return found;
}

/** Publishes the final status on the disk, so that the sender does not wait until it considers dom0 dead. */
async function notifyStubdom(image: string, access: DiskAccess): Promise<void> {
  const why = new StubferryError(
    'SERVICE_RESTARTED',
    'the stubferry service was restarted during the transfer: start the transfer again',
  );
  try {
    await onDisk(image, access, async (device, superblock) => {
      const options = { superblock, timeouts: access.timeouts };
      const link = await Link.open(device, DOM0_ROLE[superblock.direction], options);
      await link.close(why);
    });
  } catch (cause) {
    access.log.info(
      { image, error: messageOf(cause) },
      'cannot report the restart on the disk of an interrupted transfer',
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT',
  );
}
