/**
 * The program of the stubdom, which has only the command `stubferry agent stubdom`. The build bundles it into one file
 * for the image (src/image/agent-script.mjs), because a stubdom has no node_modules and one file starts faster than
 * hundreds.
 */
import { Command, Option } from 'commander';
import { assertOrder } from '../base/time/timeouts.js';
import { VERSION } from '../base/version.js';
import { agentGroup } from './commands/agent-group.js';
import { stubdomAgentCommand } from './commands/stubdom-agent-command.js';
import { LOG_LEVELS } from './render/logger.js';

const program = new Command('stubferry')
  .version(VERSION)
  .option('--json', 'print one JSON document instead of text', false)
  .addOption(
    new Option('--log-level <level>', 'log level; logs go to standard error').choices(LOG_LEVELS).default('warn'),
  );
stubdomAgentCommand(agentGroup(program));
assertOrder();
await program.parseAsync();
