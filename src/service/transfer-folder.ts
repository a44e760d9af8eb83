/**
 * The folder of one transfer, and its journal: what the next agent must know if this one is killed.
 *
 *     <transfer dir>/                0700, on tmpfs: nothing of it outlives the machine that it speaks of
 *       service.lock                 held by the live agent
 *       <transfer UUID>/             0700, O_EXCL
 *         journal.json               written anew at each step: before a thing is made, so that it is found; after it has changed
 *         transfer.img               the backing of the disk
 *
 * The journal is not synced: it must survive the process, and after a loss of power there are no loop devices and vbds to find. A
 * temporary at a destination on a real disk is found by its own name and lock (see `part-file.ts`).
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type ErrorDetails, errnoOf, messageOf, StubferryError } from '../base/errors/index.js';
import { isUuid } from '../formats/protocol/uuid.js';
import { attachmentSchema } from '../xen/hotplug/index.js';

const JOURNAL = 'journal.json';
const LONGEST_JOURNAL = 16 * 1024;

const journalSchema = z.object({
  version: z.literal(1),
  transfer: z.string().check(z.refine(isUuid)),
  direction: z.enum(['save', 'restore']),
  target: z.number(),
  stubdom: z.number(),
  /** Where a save goes: a temporary of this transfer may be beside it. */
  destination: z.optional(z.string()),
  attachment: z.optional(attachmentSchema),
  /** The file that was about to get its name, or has it. */
  published: z.optional(z.object({ dev: z.number(), ino: z.number() })),
  /** The sender has been told that the state is safe. */
  acknowledged: z.optional(z.boolean()),
});

export type Journal = z.infer<typeof journalSchema>;

export class TransferFolder {
  readonly path: string;
  #journal: Journal;

  private constructor(path: string, journal: Journal) {
    this.path = path;
    this.#journal = journal;
  }

  /** @throws StubferryError DISK_NO_SPACE, DISK_EXISTS */
  static make(parent: string, journal: Journal): TransferFolder {
    const path = join(parent, journal.transfer);
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (cause) {
      const exists = errnoOf(cause) === 'EEXIST';
      throw new StubferryError(exists ? 'DISK_EXISTS' : 'DISK_NO_SPACE', 'cannot make the folder of the transfer', {
        where: path,
        found: errnoOf(cause),
        cause,
      });
    }
    const folder = new TransferFolder(path, journal);
    try {
      folder.note({});
      return folder;
    } catch (error) {
      rmSync(path, { recursive: true, force: true });
      throw error;
    }
  }

  get image(): string {
    return join(this.path, 'transfer.img');
  }

  get journal(): Journal {
    return this.#journal;
  }

  /**
   * Writes what has changed. At once, not in the background: the next step must not be made before it is written. It is a page on
   * tmpfs, of some tens of microseconds.
   * @throws StubferryError DISK_NO_SPACE
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

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

/** What is left of a transfer: a journal that cannot be read is undefined, and its folder is a orphan all the same. */
export interface OrphanFolder {
  readonly path: string;
  readonly transfer: string;
  readonly journal: Journal | undefined;
  /** Why there is no journal. */
  readonly damage?: string;
}

/**
 * The folder of all transfers, made when it is absent; one that somebody else could change is not used.
 * @throws StubferryError DESTINATION_UNWRITABLE
 */
export async function makeTransferDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(path, { found: errnoOf(cause), cause });
  }
  const there = await lstat(path);
  const mode = there.mode & 0o777;
  if (there.isDirectory() && there.uid === process.geteuid?.() && (mode & 0o077) === 0) return;
  const found = there.isDirectory() ? `mode ${mode.toString(8)}` : 'no folder';
  const expected = 'a folder of this user, with mode 700';
  throw unusable(path, { expected, found: there.uid === process.geteuid?.() ? found : `uid ${there.uid}` });
}

function unusable(where: string, details: ErrorDetails): StubferryError {
  return new StubferryError('DESTINATION_UNWRITABLE', 'the folder for transfer disks cannot be used', {
    where,
    ...details,
  });
}

/** Folders of transfers in `parent`, by their names; nothing else that lies there. */
export async function orphanFolders(parent: string): Promise<OrphanFolder[]> {
  const names = await readdir(parent).catch(() => []);
  return names.filter(isUuid).map((transfer) => readFolder(join(parent, transfer), transfer));
}

function readFolder(path: string, transfer: string): OrphanFolder {
  try {
    const text = readFileSync(join(path, JOURNAL), 'utf8');
    if (text.length > LONGEST_JOURNAL) throw new Error('it is too long');
    const journal = journalSchema.parse(JSON.parse(text));
    if (journal.transfer !== transfer) throw new Error('it is of another transfer');
    return { path, transfer, journal };
  } catch (cause) {
    return { path, transfer, journal: undefined, damage: messageOf(cause) };
  }
}
