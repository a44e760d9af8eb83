/** What both agents share on the command line: their options, and how the outcome is told. */
import type { Command } from 'commander';
import { type AgentLife, eventWriter, type TransferReport, transferReport } from '../../agents/index.js';
import { StubferryError } from '../../base/errors/index.js';
import type { TransferSummary } from '../../transfer/index.js';
import type { CommandContext } from '../command-context.js';
import { parseDescriptor, parseUuidOption } from '../options/parse-values.js';
import { addTransferOptions, type TransferOptions, timeoutsFrom } from '../options/transfer-options.js';
import { printJson } from '../render/print.js';

export interface AgentOptions extends TransferOptions {
  readonly transfer?: string;
  readonly eventsFd?: number;
  readonly warmUp: boolean;
}

/** @param largest as in {@link addTransferOptions} */
export function addAgentOptions(command: Command, largest?: string): Command {
  command
    .option('--transfer <uuid>', "the transfer's UUID", parseUuidOption)
    .option('--events-fd <fd>', 'write events, one JSON document on a line, to this descriptor', parseDescriptor)
    .option('--no-warm-up', 'be ready at once, without trying transfers first: no guest stands still for this state');
  return addTransferOptions(command, largest);
}

/** Runs one side, and tells the outcome to whoever listens: a starter by event, a person by text. */
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
    // The starter prints it, in its own words; twice on one terminal would be once too often.
    if (started) return error.status;
    throw error;
  }
}
