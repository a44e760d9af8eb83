/**
 * Searches for mutants: runs each with the seed that has found it before, and then with seeds from 1 on, until the
 * first violation.
 *
 * found.json contains the seeds that have found them (`npm run -s sim -- --mutants --write`). It only shortens the
 * hunt: a change of the product or of the simulator changes the runs of all seeds.
 *
 * The hunt first checks that all mutants apply. A mutant that does not apply is out of date and could not be found.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyProduct, type Places } from '../build/copies.js';
import { type Mutation, mutated } from '../build/mutations.js';
import { type Products, runSeed } from '../scenario/run.js';
import { loadProduct } from '../world/product.js';

export interface Hunted {
  readonly name: string;
  /** The paths of the files with the bug, in src/. */
  readonly files: readonly string[];
  /** The seed that found it; undefined if none did. */
  readonly seed: number | undefined;
  /** The check that it fails, in one sentence. */
  readonly violation: string | undefined;
}

/** Checks that all mutants apply. @throws Error that names every mutant whose source does not occur exactly once */
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

/** Loads the copies of the product. @param name the start of their names in the scratch directory */
export async function loadProducts(places: Places, name: string, mutation: Mutation | undefined): Promise<Products> {
  return {
    dom0: await loadProduct(copyProduct(places, `${name}dom0`, mutation)),
    stubdom: await loadProduct(copyProduct(places, `${name}stubdom`, mutation)),
  };
}

/**
 * Searches for one mutant after the other in this process.
 * @param seeds the maximum number of seeds for each mutant
 * @throws Error for a mutant that does not apply, and for a seed that the product fails without any mutant
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

/** Returns the seeds of the previous hunt by the names of the mutants; none when found.json is empty. */
function seedsBefore(root: string): ReadonlyMap<string, number> {
  const text = readFileSync(join(root, 'test/sim/mutants/found.json'), 'utf8');
  const before: readonly Hunted[] = text === '' ? [] : JSON.parse(text);
  return new Map(before.flatMap(({ name, seed }) => (seed === undefined ? [] : [[name, seed]])));
}

function* seedsToTry(before: number | undefined, most: number): Generator<number> {
  if (before !== undefined && before <= most) yield before;
  for (let seed = 1; seed <= most; seed += 1) if (seed !== before) yield seed;
}

/** Shortens a violation: replaces the report of an error, which is long, with its code. */
function inShort(violation: string): string {
  return violation.replace(/\{"how":"failed","error":\{"code":"(\w+)".*$/, '$1').replace(/\{"code":"(\w+)".*$/, '$1');
}
