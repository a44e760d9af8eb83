/** The command line that starts this program again: the two agents of a pair run as processes of the same program. */
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../base/package-root.js';

/** The arguments of Node and the path of the bundled program; the arguments of the command follow. */
export const PROGRAM: readonly string[] = [...process.execArgv, join(PACKAGE_ROOT, 'dist/stubferry.mjs')];
