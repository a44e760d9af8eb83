/** Reads the version of this program from its package.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './package-root.js';

const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));

function versionOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string') {
    return value.version;
  }
  throw new Error('package.json has no version');
}

/** The version of this program, as in BEGIN records and in `--version`. */
export const VERSION = versionOf(manifest);

/** The name and version that this program writes into superblocks and statefile headers. */
export const WRITER = `stubferry ${VERSION}`;
