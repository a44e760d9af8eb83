/**
 * A transfer disk that is looked for before anybody asks for it.
 *
 * A toolstack that connects is often about to save, and while QEMU stops the guest for it there is time to open the disk, if it is
 * there: measured, that takes 3 ms of the 15 that a toolstack waits for a save. The disk is let go of soon when no save comes, since
 * a device that is open here cannot be taken away.
 */
import { stat } from 'node:fs/promises';
import { isOver, readSuperblock } from '../channel/index.js';
import type { AgentContext } from './agent-context.js';
import { withDiskDeadline } from './disk-deadline.js';
import { type Expectation, type FoundDisk, lookForDisk } from './find-disk.js';

/** How long a disk is held open for a save that may come, milliseconds. */
const HOLD_MS = 2_000;

interface Ahead {
  readonly disk: FoundDisk;
  /** Of its node or file, when it was found. */
  readonly inode: number;
}

export class DiskAhead {
  readonly #path: string;
  readonly #context: Pick<AgentContext, 'timeouts' | 'signal'>;
  #looking: Promise<Ahead | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, context: Pick<AgentContext, 'timeouts' | 'signal'>) {
    this.#path = path;
    this.#context = context;
  }

  /** Looks, once. Whatever is wrong with the disk, whoever needs it will hear. */
  look(expectation: Expectation): void {
    this.release();
    this.#looking = this.#find(expectation).catch(() => undefined);
    this.#timer = setTimeout(() => this.release(), HOLD_MS);
  }

  async #find(expectation: Expectation): Promise<Ahead | undefined> {
    const disk = await lookForDisk(this.#path, expectation);
    if (disk === undefined) return undefined;
    try {
      return { disk, inode: (await stat(this.#path)).ino };
    } catch {
      await disk.device.close();
      return undefined;
    }
  }

  /** The disk that was found, if it is still the one to be used; it is the caller's then. */
  async take(): Promise<FoundDisk | undefined> {
    const looking = this.#looking;
    this.#looking = undefined;
    clearTimeout(this.#timer);
    if (looking === undefined) return undefined;
    const ahead = await withDiskDeadline(this.#path, this.#context, looking, closed);
    if (ahead === undefined) return undefined;
    const still = withDiskDeadline(this.#path, this.#context, this.#isStill(ahead));
    if (await still.catch(() => false)) return ahead.disk;
    await ahead.disk.device.close();
    return undefined;
  }

  /** Dom0 may have ended that transfer since, or put another disk in its place. */
  async #isStill({ disk, inode }: Ahead): Promise<boolean> {
    const { device, superblock } = disk;
    const looks = [stat(this.#path), readSuperblock(device), isOver(device, superblock)] as const;
    const [there, now, over] = await Promise.all(looks);
    return there.ino === inode && now.transferUuid === superblock.transferUuid && !over;
  }

  /** Lets go of what was found. */
  release(): void {
    clearTimeout(this.#timer);
    void this.#looking?.then(closed).catch(() => undefined);
    this.#looking = undefined;
  }
}

async function closed(ahead: Ahead | undefined): Promise<void> {
  await ahead?.disk.device.close();
}
