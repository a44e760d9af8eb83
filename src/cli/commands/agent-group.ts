/** `stubferry agent`, the group of the two sides. */
import type { Command } from 'commander';

export function agentGroup(program: Command): Command {
  return program.command('agent').summary('run one side of a transfer').description('Runs one side of a transfer.');
}
