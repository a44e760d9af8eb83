/** How this program is started again: the agents of a pair are processes of the same program. */
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../base/package-root.js';

export const PROGRAM: readonly string[] = [...process.execArgv, join(PACKAGE_ROOT, 'dist/stubferry.mjs')];
