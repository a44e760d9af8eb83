/** `stubferry agent dom0` and `stubferry agent stubdom` */
import type { Command } from 'commander';
import { dom0AgentCommand } from './dom0-agent-command.js';
import { stubdomAgentCommand } from './stubdom-agent-command.js';

export function agentCommand(program: Command): void {
  const agent = program
    .command('agent')
    .summary('run one side of a transfer')
    .description('Runs one side of a transfer.');
  dom0AgentCommand(agent);
  stubdomAgentCommand(agent);
}
