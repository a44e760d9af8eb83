/** A scratch directory for each test, and the check that the program leaves nothing in it but its output. */
import { execFileSync } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from '@jest/globals';

const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** The scratch directories of one test: one for files, and one in memory for transfer disks. */
export class Scratch {
  #directory = '';
  #disks = '';

  /** Creates the directories. */
  async make(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'e2e-'));
    this.#disks = await mkdtemp(join(MEMORY, 'e2e-disks-'));
    await mkdir(this.spool);
  }

  /** Removes the directories. */
  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    await rm(this.#disks, { recursive: true, force: true });
  }

  /** The directory for files. */
  get folder(): string {
    return this.#directory;
  }

  /** The directory for `--transfer-dir`, and for the transfer disks of single transfers. */
  get disks(): string {
    return this.#disks;
  }

  /** The directory for `--spool-dir`. */
  get spool(): string {
    return join(this.#directory, 'spool');
  }

  /** Options that keep a pair command inside these directories. */
  get options(): string[] {
    return ['--transfer-dir', this.disks, '--spool-dir', this.spool];
  }

  /** The path of a file in the directory. */
  path(name: string): string {
    return join(this.#directory, name);
  }

  /** The path of a transfer disk. */
  disk(name = 'transfer.img'): string {
    return join(this.#disks, name);
  }

  /** Creates a FIFO. @returns its path */
  fifo(name: string): string {
    execFileSync('mkfifo', [this.path(name)]);
    return this.path(name);
  }

  /** Creates a sparse file of that length. @returns its path */
  fileOf(name: string, length: number): string {
    writeFileSync(this.path(name), '');
    truncateSync(this.path(name), length);
    return this.path(name);
  }

  /** Reads a file. */
  bytes(name: string): Promise<Buffer> {
    return readFile(this.path(name));
  }

  /** Whether a file exists. */
  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** What a transfer may have left: transfer disks, spools and temporary files of a destination. */
  async orphans(): Promise<string[]> {
    const [here, disks, spools] = [await readdir(this.folder), await readdir(this.disks), await readdir(this.spool)];
    return [...here.filter((name) => name.endsWith('.part')), ...disks, ...spools];
  }
}

/**
 * Scratch directories for each test. A test fails when it leaves orphans in them.
 *
 * @param mayLeave allow orphans, for tests that kill agents
 */
export function useScratch({ mayLeave = false } = {}): Scratch {
  const scratch = new Scratch();
  beforeEach(() => scratch.make());
  afterEach(async () => {
    const left = await scratch.orphans();
    await scratch.remove();
    if (!mayLeave) expect(left).toEqual([]);
  });
  return scratch;
}
