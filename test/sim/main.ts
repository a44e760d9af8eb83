/**
 * `npm run sim -- ...`
 *
 *     --seeds N        so many seeds (2000)
 *     --seed S         from this one on (1); alone: this one
 *     --trace          with all that happens in them
 *     --all            goes on behind a seed that went wrong
 *     --json           the totals, or the mutants, as one document
 *     --mutant NAME    on a copy of the product with this deliberate bug
 *     --mutants        looks for every deliberate bug, each until it is found, in --seeds seeds at most
 *     --write          and stores what it has found: mutants/found.json, and the table in docs/simulation.md
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Places } from './build/copies.js';
import { type Hunted, hunt, loadProducts } from './mutants/hunt.js';
import { MUTANTS, mutantCalled } from './mutants/index.js';
import { foundText, withTable } from './mutants/stored.js';
import { describeFailure, describeHunted, summary } from './report.js';
import { runSeed } from './scenario/run.js';
import { Totals } from './totals.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** @returns exit status: 1 when something went wrong that should not, or a mutant was not found */
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
  const page = join(root, 'docs/simulation.md');
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), all));
}
