/** Compiles the simulator into a scratch directory and starts it: `npm run sim -- --seeds N [--seed S]`. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const scratch = join(root, 'dist/sim', `${process.pid}`);

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

for (const file of readdirSync(here, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
  const target = join(scratch, 'harness', file.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  const source = readFileSync(join(here, file), 'utf8');
  const parser = { syntax: 'typescript' };
  writeFileSync(target, transformSync(source, { jsc: { parser, target: 'es2022' }, module: { type: 'es6' } }).code);
}
writeFileSync(join(scratch, 'package.json'), '{ "version": "0.0.0", "type": "module" }');

const { main } = await import(pathToFileURL(join(scratch, 'harness/main.js')).href);
process.exitCode = await main(process.argv.slice(2), { root, scratch });
