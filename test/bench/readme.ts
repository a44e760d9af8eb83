/** The performance sections of the README, made from the stored documents of runs. */
import { plots } from './plots.js';
import type { Machine, Results } from './results.js';
import { type Table, tables, tableText } from './tables.js';
import type { XenResults } from './xen-results.js';
import { xenMachineText, xenTables } from './xen-tables.js';

const beginOf = (source: string): string => `<!-- made by \`npm run bench:readme\` from ${source} -->`;
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

const indented = (all: readonly Table[]): string =>
  all
    .map((table) => tableText(table).replaceAll(/^(?=.)/gm, '    '))
    .join('\n')
    .trimEnd();

function performanceSection(results: Results): string {
  const images = plots(results).map(({ file, description }) => `![${description}](docs/bench/${file})`);
  return [machineText(results.machine), indented(tables(results)), ...images].map((part) => `${part}\n`).join('\n');
}

function xenSection(results: XenResults): string {
  return `${xenMachineText(results)}\n\n${indented(xenTables(results))}\n`;
}

/** `readme` with the sections of both runs in place of what is between the marks. @throws when the marks are not there */
export function withPerformance(readme: string, results: Results, onXen: XenResults): string {
  const first = withSection(readme, 'docs/bench/results.json', performanceSection(results));
  return withSection(first, 'docs/bench/xen-results.json', xenSection(onXen));
}

function withSection(readme: string, source: string, section: string): string {
  const mark = beginOf(source);
  const begin = readme.indexOf(mark);
  const end = readme.indexOf(END, begin);
  if (begin < 0 || end < begin) throw new Error(`README.md lacks the lines ${mark} and ${END}`);
  return `${readme.slice(0, begin + mark.length)}\n\n${section}\n${readme.slice(end)}`;
}
