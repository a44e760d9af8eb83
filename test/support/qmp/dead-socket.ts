/** The socket file of a killed process: it still exists, but no process listens on it. */
import { execFileSync } from 'node:child_process';

const BIND = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";

/** Creates such a socket file. */
export function deadSocket(path: string): void {
  try {
    execFileSync(process.execPath, ['-e', BIND, path], { stdio: 'ignore' });
  } catch {
    // The process has killed itself, as intended.
  }
}
