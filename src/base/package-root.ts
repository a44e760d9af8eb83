/** Finds the directory in which this program is installed. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The nearest directory with a package.json, at or above the file into which this module was compiled or bundled. */
export const PACKAGE_ROOT = rootOf(dirname(fileURLToPath(import.meta.url)));

function rootOf(start: string): string {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) throw new Error(`no package.json in ${start} or in a directory above it`);
  }
}
