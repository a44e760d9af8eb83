/** The sections of a state as a table, for people. */
import { printable } from '../../base/errors/index.js';
import type { QevmSection, QevmState } from '../../formats/qevm/index.js';
import { formatBytes } from './format-values.js';
import type { Facts } from './inspect-facts.js';
import { table } from './print.js';

const BAR = { width: 24, mark: '#', less: '.' } as const;

const SPLIT: Readonly<Record<QevmState['split'], string>> = {
  description: 'known from the description',
  footers: 'known from the footers',
  inferred: 'inferred: nothing in this state says where a section ends',
};

/** What there is to say of the state beside its sections. */
export function stateFacts({ sections, split, ram, configuration, descriptionBytes }: QevmState): Facts {
  const pages = ram?.pages;
  const doubtful = sections.filter(({ inferred }) => inferred).length;
  const but =
    split !== 'inferred' && doubtful > 0 ? `, but of ${doubtful} inferred: there is another way to read them` : '';
  return [
    ['sections', `${new Set(sections.map(({ id }) => id)).size}`],
    ['their ends', sections.length === 0 ? undefined : `${SPLIT[split]}${but}`],
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
  /** Bytes, and pieces that follow each other: RAM comes in many. */
  bytes: number;
  pieces: number;
}

export function sectionTable(sections: readonly QevmSection[]): string {
  const rows: Row[] = [];
  for (const section of sections) {
    const last = rows.at(-1);
    if (last !== undefined && last.section.id === section.id && section.type !== 'full') {
      last.bytes += section.length;
      last.pieces += 1;
    } else rows.push({ section, bytes: section.length, pieces: 1 });
  }
  const largest = Math.max(...rows.map(({ bytes }) => bytes));
  const head = ['id', 'name', 'instance', 'version', 'offset', 'bytes', 'size', ''];
  return table(
    head,
    rows.map((row) => cellsOf(row, largest)),
    [0, 2, 3, 4, 5],
  );
}

function cellsOf({ section, bytes, pieces }: Row, largest: number): string[] {
  const { id, name, instance, version, offset, alternatives } = section;
  const notes = [
    ...(pieces > 1 ? [`in ${pieces} pieces`] : []),
    ...(alternatives.length > 0 ? [`its header stands at ${alternatives.join(', ')} too`] : []),
  ];
  const numbers = [instance, version, offset, bytes].map((value) => `${value}`);
  return [`${id}`, printable(name), ...numbers, bar(bytes, largest), notes.join('; ')];
}

function bar(bytes: number, largest: number): string {
  return BAR.mark.repeat(Math.round((bytes / largest) * BAR.width)) || BAR.less;
}
