/** The common part of both agent commands: their options, and how they report their outcome. */
import type { Command } from 'commander';
import { type AgentLife, eventWriter, type TransferReport, transferReport } from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';
import type { TransferSummary } from '../../transfer/index.js';
import type { CommandContext } from '../command-context.js';
import { parseDescriptor, parseUuidOption } from '../options/parse-values.js';
import { addTransferOptions, type TransferOptions, timeoutsFrom } from '../options/transfer-options.js';
import { printJson } from '../render/print.js';

/** The options of both agents. */
export interface AgentOptions extends TransferOptions {
  readonly transfer?: string;
  readonly eventsFd?: number;
  readonly warmUp: boolean;
}

/** Adds the options to `command`. @param largest as for {@link addTransferOptions} */
export function addAgentOptions(command: Command, largest?: string): Command {
  command
    .option('--transfer <uuid>', 'UUID of the transfer', parseUuidOption)
    .option('--events-fd <fd>', 'file descriptor to write events to, one JSON document on a line', parseDescriptor)
    .option('--no-warm-up', 'skip the warm-up, for a transfer that no stopped guest waits for');
  return addTransferOptions(command, largest);
}

/**
 * Runs one agent and reports its outcome: as an event to the process that started it, else on standard error and, for
 * `--json`, on standard output.
 *
 * @returns the exit status
 * @throws StubferryError: the transfer failed, and no process reads the events
 */
export async function runAgent(
  context: CommandContext,
  options: AgentOptions,
  work: (life: AgentLife) => Promise<TransferSummary>,
): Promise<number> {
  const { log, signal, json } = context;
  const { eventsFd } = options;
  const started = eventsFd !== undefined;
  const onEvent = started ? eventWriter(eventsFd) : () => undefined;
  try {
    const report: TransferReport = transferReport(
      await work({ timeouts: timeoutsFrom(options), signal, onEvent, log, warmsUp: options.warmUp }),
    );
    onEvent({ event: 'done', report });
    if (json && !context.stdoutIsState) await printJson({ transfer: report });
    return 0;
  } catch (cause) {
    const error = StubferryError.from(cause);
    onEvent({ event: 'failed', error: error.report() });
    // The process that started this agent prints the error, so it is not printed here.
    if (started) return error.status;
    throw error;
  }
}
