/** What every command shares: the global options, the logger, cancellation and the way in which the process ends. */
import type { Command } from 'commander';
import { StubferryError } from '../base/errors/index.js';
import type { Log } from '../base/log.js';
import { createLogger } from './render/logger.js';
import { printError } from './render/print.js';

/** The options of the program itself, which every command accepts. */
export interface GlobalOptions {
  /** Print one JSON document instead of text. */
  readonly json: boolean;
  /** One of `LOG_LEVELS`. */
  readonly logLevel: string;
}

/** What a running command gets. */
export interface CommandContext extends GlobalOptions {
  readonly log: Log;
  /** Standard output carries the state, so no report may be written there. */
  readonly stdoutIsState: boolean;
  /** Aborted by SIGINT, SIGTERM and SIGHUP, with a StubferryError CANCELLED as the reason. */
  readonly signal: AbortSignal;
}

export interface CommandOptions {
  /** Standard output carries the state, so an error is not reported there. */
  readonly stdoutIsState?: boolean;
}

/**
 * Runs a command and exits the process with its status. An agent that fails with DISK_HUNG kills itself with SIGKILL,
 * because nothing else ends its process.
 *
 * @param work the command; it resolves to the exit status
 */
export async function runCommand(
  command: Command,
  work: (context: CommandContext) => Promise<number>,
  { stdoutIsState = false }: CommandOptions = {},
): Promise<never> {
  const { json, logLevel } = command.optsWithGlobals<GlobalOptions>();
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // The handler stays installed: a second signal, from an impatient user or from a terminal that signals all its
    // processes, would otherwise end this process in the middle of its cleanup, with the guest still stopped.
    process.on(name, () => {
      controller.abort(new StubferryError('CANCELLED', `stopped by ${name}`, { hint: 'run the command again' }));
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
    // Node waits for its I/O threads at exit, and one of this agent's threads waits for a device that does not reply.
    if (error.code === 'DISK_HUNG' && isAgent) process.kill(process.pid, 'SIGKILL');
  }
  process.exit(status);
}
