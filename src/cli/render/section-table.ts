/** The sections of a state as a table. */
import { printable } from '../../base/errors/index.js';
import type { QevmSection, QevmState } from '../../formats/qevm/index.js';
import { formatBytes } from './format-values.js';
import type { Facts } from './inspect-facts.js';
import { table } from './print.js';

const BAR = { width: 24, mark: '#', less: '.' } as const;

const SPLIT: Readonly<Record<QevmState['split'], string>> = {
  description: 'known from the description',
  footers: 'known from the footers',
  inferred: 'inferred (the format stores no lengths)',
};

/** The facts about the state that precede the table. They are not part of the `--json` document. */
export function stateFacts({ sections, split, ram, configuration, descriptionBytes }: QevmState): Facts {
  const pages = ram?.pages;
  const ambiguous = sections.filter(({ inferred }) => inferred).length;
  const exception = split !== 'inferred' && ambiguous > 0 ? `, but ${ambiguous} inferred (ambiguous)` : '';
  return [
    ['sections', `${new Set(sections.map(({ id }) => id)).size}`],
    ['section boundaries', sections.length === 0 ? undefined : `${SPLIT[split]}${exception}`],
    ['capabilities', configuration?.capabilities.map((name) => printable(name)).join(', ')],
    ['ram', ram?.blocks.map(({ name, bytes }) => `${printable(name)} ${formatBytes(bytes)}`).join(', ')],
    [
      'pages',
      pages === undefined
        ? undefined
        : `${pages.whole} whole, ${pages.filled} of one byte repeated, ${pages.compressed} compressed`,
    ],
    ['description', descriptionBytes === 0 ? undefined : formatBytes(descriptionBytes)],
  ];
}

interface Row {
  readonly section: QevmSection;
  /** The bytes of all chunks of the section. */
  bytes: number;
  /** How many consecutive chunks QEMU wrote; RAM has many. */
  chunks: number;
}

/** The table: a row for each section, with a bar for its size. */
export function sectionTable(sections: readonly QevmSection[]): string {
  const rows: Row[] = [];
  for (const section of sections) {
    const last = rows.at(-1);
    if (last !== undefined && last.section.id === section.id && section.type !== 'full') {
      last.bytes += section.length;
      last.chunks += 1;
    } else rows.push({ section, bytes: section.length, chunks: 1 });
  }
  const largest = Math.max(...rows.map(({ bytes }) => bytes));
  const head = ['id', 'name', 'instance', 'version', 'offset', 'bytes', 'size', ''];
  return table(
    head,
    rows.map((row) => cellsOf(row, largest)),
    [0, 2, 3, 4, 5],
  );
}

function cellsOf({ section, bytes, chunks }: Row, largest: number): string[] {
  const { id, name, instance, version, offset, alternatives } = section;
  const notes = [
    ...(chunks > 1 ? [`in ${chunks} chunks`] : []),
    ...(alternatives.length > 0 ? [`header also found at ${alternatives.join(', ')}`] : []),
  ];
  const numbers = [instance, version, offset, bytes].map((value) => `${value}`);
  return [`${id}`, printable(name), ...numbers, bar(bytes, largest), notes.join('; ')];
}

function bar(bytes: number, largest: number): string {
  return BAR.mark.repeat(Math.round((bytes / largest) * BAR.width)) || BAR.less;
}
