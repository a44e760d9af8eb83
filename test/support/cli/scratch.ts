/** A place for each test, and the proof that the program leaves nothing in it but what it was asked for. */
import { execFileSync } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from '@jest/globals';

const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export class Scratch {
  #folder = '';
  #disks = '';

  async make(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'e2e-'));
    this.#disks = await mkdtemp(join(MEMORY, 'e2e-disks-'));
    await mkdir(this.spool);
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await rm(this.#disks, { recursive: true, force: true });
  }

  get folder(): string {
    return this.#folder;
  }

  /** The folder for `--transfer-dir`, and for transfer disks made by hand. */
  get disks(): string {
    return this.#disks;
  }

  /** The folder for `--spool-dir`. */
  get spool(): string {
    return join(this.#folder, 'spool');
  }

  /** Options that keep a pair command inside of this place. */
  get options(): string[] {
    return ['--transfer-dir', this.disks, '--spool-dir', this.spool];
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  disk(name = 'transfer.img'): string {
    return join(this.#disks, name);
  }

  fifo(name: string): string {
    execFileSync('mkfifo', [this.path(name)]);
    return this.path(name);
  }

  /** A sparse file of that length. */
  fileOf(name: string, length: number): string {
    writeFileSync(this.path(name), '');
    truncateSync(this.path(name), length);
    return this.path(name);
  }

  bytes(name: string): Promise<Buffer> {
    return readFile(this.path(name));
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** What a transfer may have lost: transfer disks, spools, parts of a destination. */
  async orphans(): Promise<string[]> {
    const [here, disks, spools] = [await readdir(this.folder), await readdir(this.disks), await readdir(this.spool)];
    return [...here.filter((name) => name.endsWith('.part')), ...disks, ...spools];
  }
}

/** A fresh place for each test. After each, nothing may be left over, unless `mayLeave`: an agent was killed there. */
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
