/**
 * The directory of one transfer, and its journal: what the next service must know if this one is killed.
 *
 *     <transfer dir>/                0700, on tmpfs, so that it does not outlive the boot that it describes
 *       service.lock                 held by the running service
 *       <transfer UUID>/             0700, must not exist before
 *         journal.json               rewritten at each step: before an object is created, so that it can be found, and
 *                                    after it has changed
 *         transfer.img               the backing of the disk
 *
 * The journal is not synced: it must survive the process, and after a loss of power there are no loop devices and no
 * vbds to find. A temporary file at a destination on a real disk is found by its own name and lock
 * (`src/io/atomic-file.ts`).
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type ErrorDetails, errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import { isUuid } from '../formats/protocol/uuid.js';
import { attachmentSchema } from '../xen/hotplug/index.js';

const JOURNAL = 'journal.json';
/** The maximum length of a journal, in characters. */
const MAX_JOURNAL_LENGTH = 16 * 1024;

const journalSchema = z.object({
  version: z.literal(1),
  transfer: z.string().check(z.refine(isUuid)),
  direction: z.enum(['save', 'restore']),
  target: z.number(),
  stubdom: z.number(),
  /** The destination of a save. A temporary file of this transfer may be next to it. */
  destination: z.optional(z.string()),
  attachment: z.optional(attachmentSchema),
  /** The file that has its final name, or was about to get it. */
  published: z.optional(z.object({ dev: z.number(), ino: z.number() })),
  /** Whether the sender was notified that the state is safe. */
  acknowledged: z.optional(z.boolean()),
});

/** The journal of a transfer. */
export type Journal = z.infer<typeof journalSchema>;

/** The directory of one transfer. */
export class TransferDirectory {
  readonly path: string;
  #journal: Journal;

  private constructor(path: string, journal: Journal) {
    this.path = path;
    this.#journal = journal;
  }

  /**
   * Creates the directory and writes its journal.
   *
   * @throws StubferryError DISK_EXISTS: when something exists at its path; DISK_NO_SPACE: when the directory or the
   * journal cannot be written
   */
  static make(parent: string, journal: Journal): TransferDirectory {
    const path = join(parent, journal.transfer);
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (cause) {
      const exists = errnoOf(cause) === 'EEXIST';
      throw new StubferryError(
        exists ? 'DISK_EXISTS' : 'DISK_NO_SPACE',
        'cannot create the directory of the transfer',
        {
          where: path,
          found: errnoOf(cause),
          cause,
        },
      );
    }
    const directory = new TransferDirectory(path, journal);
    try {
      directory.note({});
      return directory;
    } catch (error) {
      rmSync(path, { recursive: true, force: true });
      throw error;
    }
  }

  /** The path of the disk image. */
  get image(): string {
    return join(this.path, 'transfer.img');
  }

  /** The journal, as written last. */
  get journal(): Journal {
    return this.#journal;
  }

  /**
   * Changes the journal and writes it synchronously, because the next step must not start before the journal is
   * written. The journal is one page on tmpfs, and writing it takes some tens of microseconds.
   *
   * @throws StubferryError DISK_NO_SPACE: when the journal cannot be written
   */
  note(change: Partial<Journal>): void {
    this.#journal = { ...this.#journal, ...change };
    const path = join(this.path, JOURNAL);
    try {
      writeFileSync(`${path}.new`, JSON.stringify(this.#journal), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (cause) {
      throw new StubferryError('DISK_NO_SPACE', 'cannot write the journal of the transfer', {
        where: path,
        found: errnoOf(cause),
        cause,
      });
    }
  }

  /** Removes the directory and everything in it. */
  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

/** A directory of a transfer that is not active. It is an orphan even when its journal cannot be read. */
export interface OrphanDirectory {
  readonly path: string;
  /** The UUID of the transfer, which is the name of the directory. */
  readonly transfer: string;
  /** The journal; undefined when it cannot be read. */
  readonly journal: Journal | undefined;
  /** The reason why the journal cannot be read. */
  readonly damage?: string;
}

/**
 * Creates the directory for the directories of all transfers, if it is absent.
 *
 * @throws StubferryError DESTINATION_UNWRITABLE: when it cannot be created, or when another user could change it
 */
export async function makeTransferDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(path, { found: errnoOf(cause), cause });
  }
  const present = await lstat(path);
  const mode = present.mode & 0o777;
  if (present.isDirectory() && present.uid === process.geteuid?.() && (mode & 0o077) === 0) return;
  const found = present.isDirectory() ? `mode ${mode.toString(8)}` : 'not a directory';
  const expected = 'a directory of this user, with mode 700';
  throw unusable(path, { expected, found: present.uid === process.geteuid?.() ? found : `uid ${present.uid}` });
}

function unusable(where: string, details: ErrorDetails): StubferryError {
  return new StubferryError('DESTINATION_UNWRITABLE', 'cannot use the directory for transfer disks', {
    where,
    ...details,
  });
}

/** Reads the directories of transfers in `parent`. Ignores all entries whose name is not a UUID. */
export async function orphanDirectories(parent: string): Promise<OrphanDirectory[]> {
  const names = await readdir(parent).catch(() => []);
  return names.filter(isUuid).map((transfer) => readDirectory(join(parent, transfer), transfer));
}

function readDirectory(path: string, transfer: string): OrphanDirectory {
  try {
    const text = readFileSync(join(path, JOURNAL), 'utf8');
    if (text.length > MAX_JOURNAL_LENGTH) throw new Error('the journal is too long');
    const journal = journalSchema.parse(JSON.parse(text));
    if (journal.transfer !== transfer) throw new Error('the journal belongs to another transfer');
    return { path, transfer, journal };
  } catch (cause) {
    return { path, transfer, journal: undefined, damage: messageOf(cause) };
  }
}
