/**
 * A step of the build: converts the agent's bundle, an ECMAScript module, to a script that V8 can load from a code
 * cache.
 *
 *     dist/agent.mjs    import { a } from 'node:x'; ...; await main()                                       (deleted)
 *     dist/agent.js     (async (require, __filename) => { const x = require('node:x'); ...; await main() })
 *
 * Node 20 supports no code cache for modules, and parsing and compiling them takes 40 % of the agent's start time.
 * esbuild cannot convert a module with a top-level await to a script. The agent has one, for its WebAssembly.
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
// V8 then stores one byte for each character.
if (/[^\x20-\x7e\n]/.test(code)) throw new Error(`${bundle} contains characters that are not ASCII`);
writeFileSync(script, `(async (require, __filename) => {${code}\n})`);
unlinkSync(bundle);
