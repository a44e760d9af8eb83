/** The version of this program, from its package.json: in superblocks, BEGIN records and `--version`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from './package-root.js';

const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));

function versionOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string') {
    return value.version;
  }
  throw new Error('package.json names no version');
}

export const VERSION = versionOf(manifest);

/** How this program signs what it writes. */
export const WRITER = `stubferry ${VERSION}`;
