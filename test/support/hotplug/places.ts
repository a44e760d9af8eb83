/** The locations of a backing: in memory, and on a disk that supports O_DIRECT. */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import type { BackingKind } from '../../../src/blockdev-utils/index.js';

const TMPFS = 0x01021994;
const onDisk = [tmpdir(), process.cwd()].filter((directory) => statfsSync(directory).type !== TMPFS);

/** Directories by the kind of the backings in them. */
export const PLACES: readonly (readonly [BackingKind, string])[] = [
  ['memory', '/dev/shm'],
  ...onDisk.slice(0, 1).map((directory) => ['file', directory] as const),
];

/** Creates a directory in `parent` for each test, and returns a function for the paths in it. */
export function directoryIn(parent: string): (name: string) => string {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(parent, 'hotplug-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  return (name) => join(directory, name);
}
