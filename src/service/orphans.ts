/**
 * What a killed agent has left, and how it goes. Nothing is touched that is not stubferry's own: folders that are named by a UUID in
 * the agent's own transfer folder, devices that its driver has marked, temporaries that bear the transfer's UUID and that nobody holds.
 *
 *     folder with journal  -> the stubdom is told, the disk detached, the temporary and the unacknowledged file removed, the folder
 *     folder without       -> removed
 *     device without folder -> detached
 *
 * A file that has got its name, but of which the sender was not told, is removed too: the sender hears of a failure, so the toolstack
 * fails the save, and what is left must not look like one that went well. Where it cannot be known whether the sender was told, since
 * the disk is gone or does not answer, the file stays, and nothing is said: to lose a state that somebody believes in is worse.
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
import { type Journal, type OrphanFolder, orphanFolders } from './transfer-folder.js';

/** One thing that is left, for people and for `--json`. */
export interface Orphan {
  readonly kind: 'folder' | 'disk' | 'temporary' | 'unacknowledged file' | 'attachment';
  /** A path; of an attachment the device. */
  readonly what: string;
  readonly transfer: string | undefined;
}

export interface OrphanOptions {
  readonly driver: HotplugDriver;
  readonly transferDir: string;
  /** Transfers that live: theirs is nothing left over. */
  readonly living: ReadonlySet<string>;
  readonly timeouts: Timeouts;
  readonly log: Log;
}

/** How a left disk is looked at. */
type Looking = Pick<OrphanOptions, 'driver' | 'timeouts' | 'log'>;

/** A orphan and the way to be rid of it. */
interface Found extends Orphan {
  readonly remove: () => Promise<void>;
}

/** All that is there. @throws StubferryError of the driver */
export async function findOrphans(options: OrphanOptions): Promise<Orphan[]> {
  return (await search(options)).map(({ kind, what, transfer }) => ({ kind, what, transfer }));
}

/**
 * Removes all that is there; what cannot be removed is logged, and does not keep the rest.
 * @returns what is gone, and what is not
 * @throws StubferryError of the driver
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
        `the orphaned ${kind} cannot be removed`,
      );
    }
  }
  if (removed.length > 0) options.log.info({ removed }, 'removed what a killed agent had left');
  return { removed, kept };
}

async function search(options: OrphanOptions): Promise<Found[]> {
  const { driver, transferDir, living } = options;
  const found: Found[] = [];
  const folders = (await orphanFolders(transferDir)).filter(({ transfer }) => !living.has(transfer));
  const attached = await driver.orphans(transferDir);
  for (const folder of folders) found.push(...(await ofFolder(folder, attached, options)));
  const inFolders = new Set(folders.map(({ path }) => join(path, 'transfer.img')));
  for (const attachment of attached) {
    if (!inFolders.has(attachment.backing)) found.push(ofAttachment(attachment, undefined, driver));
  }
  return found;
}

async function ofFolder(
  { path, transfer, journal }: OrphanFolder,
  attached: readonly Attachment[],
  looking: Looking,
): Promise<Found[]> {
  const { driver } = looking;
  const found: Found[] = [];
  const image = join(path, 'transfer.img');
  const mayBelieve = mayBelieveInIt(journal, await lastPhase(image, looking));
  if (await isThere(image)) {
    const tell = async (): Promise<void> => {
      if (!mayBelieve) await tellStubdom(image, looking);
    };
    found.push({ kind: 'disk', what: image, transfer, remove: tell });
  }
  const attachments = attached.filter(({ backing }) => backing === image);
  // An attach that was cut off half way is in the journal only once it was whole; the driver knows what is there.
  if (attachments.length === 0 && journal?.attachment !== undefined) attachments.push(journal.attachment);
  for (const attachment of attachments) found.push(ofAttachment(attachment, transfer, driver));
  if (journal?.destination !== undefined)
    found.push(...(await atDestination(journal, journal.destination, mayBelieve)));
  found.push({ kind: 'folder', what: path, transfer, remove: () => rm(path, { recursive: true, force: true }) });
  return found;
}

/** Whether the sender may have heard that the state is safe. Between the word on the disk and its note in the journal is a moment. */
function mayBelieveInIt(journal: Journal | undefined, phase: Phase | undefined): boolean {
  if (journal?.acknowledged === true || phase === 'committed') return true;
  return phase === undefined && journal?.published !== undefined;
}

/** Where the killed agent stood, by its own word on the disk; undefined when there is none to be read. */
async function lastPhase(image: string, looking: Looking): Promise<Phase | undefined> {
  try {
    return await onDisk(image, looking, dom0Phase);
  } catch (error) {
    if (error instanceof StubferryError) return undefined;
    throw error;
  }
}

/** A disk that does not answer must not keep the agent from its service. */
async function onDisk<T>(
  image: string,
  { driver, timeouts }: Looking,
  use: (device: BlockDevice, superblock: Superblock) => Promise<T>,
): Promise<T> {
  const device = await openDevice(image, { access: driver.accessTo(await backingOf(image)) });
  try {
    // Only the deadline ends it.
    const { signal } = new AbortController();
    const used = readSuperblock(device).then((superblock) => use(device, superblock));
    return await withDiskDeadline(image, { timeouts, signal }, used);
  } finally {
    await device.close();
  }
}

function ofAttachment(attachment: Attachment, transfer: string | undefined, driver: HotplugDriver): Found {
  const remove = async (): Promise<void> => void (await driver.detach(attachment));
  return { kind: 'attachment', what: attachment.device, transfer, remove };
}

async function atDestination(
  { transfer, published }: Journal,
  destination: string,
  mayBelieve: boolean,
): Promise<Found[]> {
  const found: Found[] = [];
  const part = temporaryPath(destination, transfer);
  if (await isThere(part)) found.push({ kind: 'temporary', what: part, transfer, remove: () => unlink(part) });
  const there = await lstat(destination).catch(() => undefined);
  const isIt = published !== undefined && there?.dev === published.dev && there.ino === published.ino;
  if (isIt && !mayBelieve)
    found.push({ kind: 'unacknowledged file', what: destination, transfer, remove: () => unlink(destination) });
  return found;
}

/** The last word on the disk, so that the sender need not wait until it takes dom0 for dead. */
async function tellStubdom(image: string, looking: Looking): Promise<void> {
  const why = new StubferryError(
    'SERVICE_RESTARTED',
    "dom0's agent was restarted in the middle: start the transfer again",
  );
  try {
    await onDisk(image, looking, async (device, superblock) => {
      const options = { superblock, timeouts: looking.timeouts };
      const link = await Link.open(device, DOM0_ROLE[superblock.direction], options);
      await link.close(why);
    });
  } catch (cause) {
    looking.log.info({ image, error: messageOf(cause) }, 'the disk of an interrupted transfer cannot be told of it');
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT',
  );
}
