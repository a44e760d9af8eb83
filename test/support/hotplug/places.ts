/** Where a backing can lie: memory, and a disk that takes O_DIRECT. */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import type { BackingKind } from '../../../src/blockdev-utils/index.js';

const TMPFS = 0x01021994;
const onDisk = [tmpdir(), process.cwd()].filter((folder) => statfsSync(folder).type !== TMPFS);

/** Folders by the kind of backing that a file in them is. */
export const PLACES: readonly (readonly [BackingKind, string])[] = [
  ['memory', '/dev/shm'],
  ...onDisk.slice(0, 1).map((folder) => ['file', folder] as const),
];

/** A folder there for each test. */
export function folderIn(parent: string): (name: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(parent, 'hotplug-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}
