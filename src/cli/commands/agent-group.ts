/** The command group `stubferry agent`. */
import type { Command } from 'commander';

/** Adds the group, without its commands. */
export function agentGroup(program: Command): Command {
  return program.command('agent').summary('run one side of a transfer').description('Runs one side of a transfer.');
}
