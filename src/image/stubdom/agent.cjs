/**
 * Starts the agent from its code cache, which V8 produced when the image was built.
 *
 *     agent.js       one expression: an async function with the parameters `require` and `__filename`
 *     agent.cache    the code cache of agent.js, which fits this build of Node only
 */
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'agent.js');
const cachedData = readFileSync(join(__dirname, 'agent.cache'));
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
if (script.cachedDataRejected)
  process.stderr.write(
    'the code cache of the agent is not for this Node: the agent starts slowly; build the image again\n',
  );
script
  .runInThisContext()(require, filename)
  .catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
