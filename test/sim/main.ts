/**
 * `npm run sim -- ...`
 *
 *     --seeds N        the number of seeds (2000)
 *     --seed S         the first seed (1); without --seeds, the only seed
 *     --trace          prints everything that happens
 *     --all            continues after a seed that fails
 *     --json           prints the totals, or the mutants, as one document
 *     --mutant NAME    runs a copy of the product with this deliberate bug
 *     --mutants        searches for every deliberate bug until it is found, in at most --seeds seeds
 *     --write          with --mutants: stores the result in mutants/found.json and in the table of
 *                      docs/development/mutants.md
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Places } from './build/copies.js';
import { type Hunted, hunt, loadProducts } from './mutants/hunt.js';
import { MUTANTS, mutantCalled } from './mutants/index.js';
import { foundText, MUTANTS_PAGE, withTable } from './mutants/stored.js';
import { describeFailure, describeHunted, summary } from './report.js';
import { runSeed } from './scenario/run.js';
import { Totals } from './totals.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** @returns the exit status: 1 when a seed fails or a mutant is not found */
export async function main(argv: readonly string[], places: Places): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      mutant: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 2000 : 1));
  if (values.mutants) return huntAll(places, seeds, values);
  const mutation = values.mutant === undefined ? undefined : mutantCalled(values.mutant);
  const products = await loadProducts(places, '', mutation);
  const totals = new Totals(Number(values.seed ?? 1));
  while (totals.seeds < seeds && (values.all || totals.failed.length === 0)) {
    const report = await runSeed(products, totals.next, { traced: values.trace });
    totals.add(report);
    if (values.trace) say(report.trace.join('\n'));
    if (report.violations.length === 0 || values.json) continue;
    if (values.all) say(`seed ${report.seed} (${report.plan.kind}): ${report.violations.join('\n    ')}`);
    else say(describeFailure(await runSeed(products, report.seed, { traced: true })));
  }
  if (values.json) say(JSON.stringify(totals));
  else if (values.all || totals.failed.length === 0) say(summary(totals));
  return totals.failed.length > 0 ? 1 : 0;
}

interface HuntOptions {
  readonly json: boolean;
  readonly write: boolean;
}

async function huntAll(places: Places, seeds: number, { json, write }: HuntOptions): Promise<number> {
  const all: Hunted[] = [];
  for await (const hunted of hunt(places, MUTANTS, seeds)) {
    all.push(hunted);
    if (!json) say(describeHunted(hunted));
  }
  if (write) store(places.root, all);
  const missed = all.filter(({ seed }) => seed === undefined).length;
  if (json) say(JSON.stringify(all));
  else say(missed === 0 ? `all ${all.length} found` : `${missed} of ${all.length} not found in ${seeds} seeds`);
  return missed === 0 ? 0 : 1;
}

function store(root: string, all: readonly Hunted[]): void {
  writeFileSync(join(root, 'test/sim/mutants/found.json'), foundText(all));
  const page = join(root, MUTANTS_PAGE);
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), all));
}
