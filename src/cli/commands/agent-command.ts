/** The commands `stubferry agent dom0` and `stubferry agent stubdom`. */
import type { Command } from 'commander';
import { agentGroup } from './agent-group.js';
import { dom0AgentCommand } from './dom0-agent-command.js';
import { stubdomAgentCommand } from './stubdom-agent-command.js';

/** Adds both commands. */
export function agentCommand(program: Command): void {
  const agent = agentGroup(program);
  dom0AgentCommand(agent);
  stubdomAgentCommand(agent);
}
