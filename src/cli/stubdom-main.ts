/**
 * The program of the stubdom: `stubferry agent stubdom` alone. It is bundled into one file for the image (src/image/agent-script.mjs): there is no
 * node_modules in a stubdom, and one file starts faster than hundreds.
 */
import { Command, Option } from 'commander';
import { VERSION } from '../base/version.js';
import { agentGroup } from './commands/agent-group.js';
import { stubdomAgentCommand } from './commands/stubdom-agent-command.js';
import { LOG_LEVELS } from './render/logger.js';

const program = new Command('stubferry')
  .version(VERSION)
  .option('--json', 'one JSON document on standard output instead of text', false)
  .addOption(new Option('--log-level <level>', 'what is logged to standard error').choices(LOG_LEVELS).default('warn'));
stubdomAgentCommand(agentGroup(program));
await program.parseAsync();
