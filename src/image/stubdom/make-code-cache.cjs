/**
 * Runs a script as agent.cjs does. When the process exits, it writes the code that V8 has compiled to the cache file.
 *
 *     node make-code-cache.cjs SCRIPT CACHE ARGUMENT...
 */
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { Script } = require('node:vm');

const [, , filename, cache, ...args] = process.argv;
process.argv = [process.execPath, filename, ...args];
const script = new Script(readFileSync(filename, 'latin1'), { filename });
process.once('exit', () => writeFileSync(cache, script.createCachedData()));
script
  .runInThisContext()(createRequire(filename), filename)
  .catch((error) => {
    process.stderr.write(`${error.message.split('\n', 1)}\n`);
    process.exit(1);
  });
