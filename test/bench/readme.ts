/** Writes the performance sections of the README and of the page on results from the stored documents of runs. */
import { plots } from './plots.js';
import type { Machine, Results } from './results.js';
import { type Table, tables, tableText, targetsTable } from './tables.js';
import type { XenResults } from './xen-results.js';
import { xenMachineText, xenTables } from './xen-tables.js';

/** The page with all tables and plots. The README has the table of targets alone. */
export const RESULTS_PAGE = 'docs/development/benchmark-results.md';

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
  const images = plots(results).map(({ file, description }) => `![${description}](../bench/${file})`);
  return [machineText(results.machine), indented(tables(results)), ...images].map((part) => `${part}\n`).join('\n');
}

function xenSection(results: XenResults): string {
  return `${xenMachineText(results)}\n\n${indented(xenTables(results))}\n`;
}

/** Returns `page` with the sections of both runs between the marks. @throws Error: when the marks are missing */
export function withPerformance(page: string, results: Results, onXen: XenResults): string {
  const first = withSection(page, RESULTS_PAGE, 'docs/bench/results.json', performanceSection(results));
  return withSection(first, RESULTS_PAGE, 'docs/bench/xen-results.json', xenSection(onXen));
}

/** Returns `readme` with the table of targets between the marks. @throws Error: when the marks are missing */
export function withTargets(readme: string, results: Results): string {
  const section = `${machineText(results.machine)}\n\n${indented([targetsTable(results)])}\n`;
  return withSection(readme, 'README.md', 'docs/bench/results.json', section);
}

function withSection(text: string, page: string, source: string, section: string): string {
  const mark = beginOf(source);
  const begin = text.indexOf(mark);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < begin) throw new Error(`${page} lacks the lines ${mark} and ${END}`);
  return `${text.slice(0, begin + mark.length)}\n\n${section}\n${text.slice(end)}`;
}
