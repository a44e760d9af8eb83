/** The socket file of a process that was killed: it is still there, and nobody listens on it. */
import { execFileSync } from 'node:child_process';

const BIND = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";

export function deadSocket(path: string): void {
  try {
    execFileSync(process.execPath, ['-e', BIND, path], { stdio: 'ignore' });
  } catch {
    // Killed, as it should be.
  }
}
