/** What a hunt has found, as it is stored: found.json, and the table of docs/simulation.md that is made of it. */
import type { Hunted } from './hunt.js';

const BEGIN = '<!-- made by `npm run -s sim -- --mutants --write` -->';
const END = '<!-- so far -->';
const HEAD = ['| where | mutant | seed | violated check |', '|---|---|---|---|'];

/** As Biome formats it. */
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

/** `page` with the table of `found` between its marks. @throws Error when they are not there */
export function withTable(page: string, found: readonly Hunted[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/simulation.md lacks the lines ${BEGIN} and ${END}`);
  const rows = found.map(({ name, files, seed, violation }) => {
    const where = files.map((file) => `\`${file}\``).join(', ');
    return `| ${where} | ${name} | ${seed} | ${violation} |`;
  });
  return `${page.slice(0, begin + BEGIN.length)}\n\n${[...HEAD, ...rows].join('\n')}\n\n${page.slice(end)}`;
}
