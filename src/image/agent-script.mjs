/**
 * Part of the build: makes of the agent's bundle, an ECMAScript module, a script that V8 can load from a code cache.
 *
 *     dist/agent.mjs    import { a } from 'node:x'; ...; await main()                                       removed
 *     dist/agent.js     (async (require, __filename) => { const x = require('node:x'); ...; await main() })
 *
 * Node 20 keeps no code cache for modules, and 40 % of the time in which the agent starts goes into parsing and compiling them. esbuild makes no
 * script of a module that awaits at its top level, which this one does for its WebAssembly.
 */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { transformSync } from '@swc/core';

const [, , bundle, script] = process.argv;
const { code } = transformSync(readFileSync(bundle, 'utf8'), {
  swcrc: false,
  jsc: { target: 'es2022', parser: { syntax: 'ecmascript' }, minify: { format: { asciiOnly: true } } },
  module: { type: 'commonjs', noInterop: true },
  minify: true,
});
// One byte for each character, in V8's memory as well.
if (/[^\x20-\x7e\n]/.test(code)) throw new Error(`${bundle}: not all of it is ASCII`);
writeFileSync(script, `(async (require, __filename) => {${code}\n})`);
unlinkSync(bundle);
