/** What every command shares: global options, logs, cancellation, and one way to end. */
import type { Command } from 'commander';
import { StubferryError } from '../base/errors/index.js';
import type { Log } from '../base/log.js';
import { createLogger } from './render/logger.js';
import { printError } from './render/print.js';

export interface GlobalOptions {
  readonly json: boolean;
  readonly logLevel: string;
}

export interface CommandContext extends GlobalOptions {
  readonly log: Log;
  /** Standard output is the state's: no report goes there. */
  readonly stdoutIsState: boolean;
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
}

export interface CommandOptions {
  /** Standard output is the state's: a report of an error does not go there. */
  readonly stdoutIsState?: boolean;
}

/**
 * Runs a command to its end and ends the process with its status; an agent's after DISK_HUNG with SIGKILL, which alone can.
 *
 * @param work resolves to the exit status
 */
export async function runCommand(
  command: Command,
  work: (context: CommandContext) => Promise<number>,
  { stdoutIsState = false }: CommandOptions = {},
): Promise<never> {
  const { json, logLevel } = command.optsWithGlobals<GlobalOptions>();
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Not once: a second one, of an impatient user or of a terminal to all of its processes, would end this process in the
    // middle of cleaning up, with the guest still stopped.
    process.on(name, () => {
      controller.abort(
        new StubferryError('CANCELLED', `stopped by ${name}`, { hint: 'run it again when you are ready' }),
      );
    });
  }
  const isAgent = command.parent?.name() === 'agent';
  const log = createLogger(logLevel, isAgent ? `${command.name()} agent` : command.name());
  let status: number;
  try {
    status = await work({ json, logLevel, log, stdoutIsState, signal: controller.signal });
  } catch (cause) {
    const error = StubferryError.from(cause);
    if (error.code === 'INTERNAL' && cause instanceof Error) log.debug({ stack: cause.stack }, 'internal error');
    await printError(error, json && !stdoutIsState);
    status = error.status;
    // Node waits for its I/O threads at exit, and one of an agent's waits for a device that does not answer.
    if (error.code === 'DISK_HUNG' && isAgent) process.kill(process.pid, 'SIGKILL');
  }
  process.exit(status);
}
