/** The performance section of the README, made from the stored document of a run. */
import { plots } from './plots.js';
import type { Machine, Results } from './results.js';
import { tables, tableText } from './tables.js';

const BEGIN = '<!-- made by `npm run bench:readme` from docs/bench/results.json -->';
const END = '<!-- so far -->';

export function machineText({
  cpu,
  cpus,
  memoryMib,
  kernel,
  node,
  qemu,
  stubferry,
  date,
  loadBefore,
}: Machine): string {
  const memory = `${(memoryMib / 1024).toFixed(0)} GiB`;
  const programs = `stubferry ${stubferry}, Node ${node}${qemu === '' ? '' : `, QEMU ${qemu}`}`;
  return `${cpus} x ${cpu}, ${memory}, Linux ${kernel}, ${programs}, ${date}, load before it began ${loadBefore.toFixed(2)}`;
}

/** What stands between the two marks. */
export function performanceSection(results: Results): string {
  const indented = tables(results)
    .map((table) => tableText(table).replaceAll(/^(?=.)/gm, '    '))
    .join('\n');
  const images = plots(results).map(({ file, description }) => `![${description}](docs/bench/${file})`);
  return [machineText(results.machine), indented.trimEnd(), ...images].map((part) => `${part}\n`).join('\n');
}

/** `readme` with the section of `results` in place of what is between the marks. @throws when the marks are not there */
export function withPerformance(readme: string, results: Results): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md lacks the lines ${BEGIN} and ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${performanceSection(results)}\n${readme.slice(end)}`;
}
