/** How this program is started again: the agents of a pair are processes of the same program. */
import { fileURLToPath } from 'node:url';

export const PROGRAM: readonly string[] = [...process.execArgv, fileURLToPath(new URL('./main.js', import.meta.url))];
