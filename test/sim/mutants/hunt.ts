/**
 * Looks for mutants: each in the seed that has found it before, then in seeds from 1 on, until its first violation.
 *
 * What found them is in found.json (`npm run -s sim -- --mutants --write`). It only makes the hunt short: a change of the
 * product or of the simulator makes other runs of the same seeds.
 *
 * That all of them apply is seen to first: one that does not is out of date, and would be hunted for in vain.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyProduct, type Places } from '../build/copies.js';
import { type Mutation, mutated } from '../build/mutations.js';
import { type Products, runSeed } from '../scenario/run.js';
import { loadProduct } from '../world/product.js';

export interface Hunted {
  readonly name: string;
  /** Where the bug is, within src/. */
  readonly files: readonly string[];
  /** The seed that found it; undefined: none did. */
  readonly seed: number | undefined;
  /** The check that it does not pass, in one sentence. */
  readonly violation: string | undefined;
}

/** @throws Error that names every mutant whose source is not there, or not there once */
export function assertApplicable(root: string, mutants: readonly Mutation[]): void {
  const wrong: string[] = [];
  for (const mutation of mutants) {
    for (const { file } of mutation.changes) {
      try {
        mutated(file, readFileSync(join(root, 'src', file), 'utf8'), mutation);
      } catch (error) {
        wrong.push(String(error));
      }
    }
  }
  if (wrong.length > 0) throw new Error(`mutants are out of date:\n${wrong.join('\n')}`);
}

/** @param name of the copies, below the scratch folder */
export async function loadProducts(places: Places, name: string, mutation: Mutation | undefined): Promise<Products> {
  return {
    dom0: await loadProduct(copyProduct(places, `${name}dom0`, mutation)),
    stubdom: await loadProduct(copyProduct(places, `${name}stubdom`, mutation)),
  };
}

/**
 * Hunts one after the other, in this process.
 * @param seeds the most for each
 * @throws Error for a mutant that does not apply, and for a seed that the product does not pass as it is: that has found no mutant
 */
export async function* hunt(places: Places, mutants: readonly Mutation[], seeds: number): AsyncGenerator<Hunted> {
  assertApplicable(places.root, mutants);
  const product = await loadProducts(places, '', undefined);
  const before = seedsBefore(places.root);
  for (const [index, mutation] of mutants.entries()) {
    const products = await loadProducts(places, `mutant-${index}-`, mutation);
    const { name } = mutation;
    const files = mutation.changes.map(({ file }) => file);
    let found: Hunted = { name, files, seed: undefined, violation: undefined };
    for (const seed of seedsToTry(before.get(name), seeds)) {
      const [violation] = (await runSeed(products, seed)).violations;
      if (violation === undefined) continue;
      const [without] = (await runSeed(product, seed)).violations;
      if (without !== undefined) throw new Error(`seed ${seed} fails without any mutant: ${without}`);
      found = { name, files, seed, violation: inShort(violation) };
      break;
    }
    yield found;
  }
}

/** Of the hunt before, by the mutant's name; none when the file is being written anew. */
function seedsBefore(root: string): ReadonlyMap<string, number> {
  const text = readFileSync(join(root, 'test/sim/mutants/found.json'), 'utf8');
  const before: readonly Hunted[] = text === '' ? [] : JSON.parse(text);
  return new Map(before.flatMap(({ name, seed }) => (seed === undefined ? [] : [[name, seed]])));
}

function* seedsToTry(before: number | undefined, most: number): Generator<number> {
  if (before !== undefined && before <= most) yield before;
  for (let seed = 1; seed <= most; seed += 1) if (seed !== before) yield seed;
}

/** Without the reports of errors, which are long, but with their codes. */
function inShort(violation: string): string {
  return violation.replace(/\{"how":"failed","error":\{"code":"(\w+)".*$/, '$1').replace(/\{"code":"(\w+)".*$/, '$1');
}
