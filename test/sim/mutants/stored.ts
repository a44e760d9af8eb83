/** Stores the result of a hunt in found.json, and in the table of docs/development/mutants.md. */
import type { Hunted } from './hunt.js';

/** The page with the table, as a path in the repository. */
export const MUTANTS_PAGE = 'docs/development/mutants.md';

const BEGIN = '<!-- made by `npm run -s sim -- --mutants --write` -->';
const END = '<!-- so far -->';
const HEAD = ['| where | mutant | seed | violated check |', '|---|---|---|---|'];

/** Returns the text of found.json, formatted as Biome formats it. */
export function foundText(found: readonly Hunted[]): string {
  const list = (files: readonly string[]): string => `[${files.map((file) => JSON.stringify(file)).join(', ')}]`;
  const items = found.map(({ name, files, seed, violation }) =>
    [
      '  {',
      `    "name": ${JSON.stringify(name)},`,
      `    "files": ${list(files)},`,
      `    "seed": ${seed},`,
      `    "violation": ${JSON.stringify(violation)}`,
      '  }',
    ].join('\n'),
  );
  return `[\n${items.join(',\n')}\n]\n`;
}

/** Returns `page` with the table of `found` between its marks. @throws Error when a mark is missing */
export function withTable(page: string, found: readonly Hunted[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${MUTANTS_PAGE} lacks the lines ${BEGIN} and ${END}`);
  const rows = found.map(({ name, files, seed, violation }) => {
    const where = files.map((file) => `\`${file}\``).join(', ');
    return `| ${where} | ${name} | ${seed} | ${violation} |`;
  });
  return `${page.slice(0, begin + BEGIN.length)}\n\n${[...HEAD, ...rows].join('\n')}\n\n${page.slice(end)}`;
}
