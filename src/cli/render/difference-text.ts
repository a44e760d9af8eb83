/** The differences between two states, as text and for `--json`. */
import { printable } from '../../base/errors/index.js';
import type { Change, QevmSection, SectionDifference, StateComparison } from '../../formats/qevm/index.js';
import { counted } from './format-values.js';
import { valueText } from './section-view.js';

/** How many changes of one section the text shows; `--json` has all of them. */
const MOST_SHOWN = 64;
/** How many bytes of a change the text shows. */
const BYTES_SHOWN = 16;

/** The value of `diff` in the `--json` document, without the two files. */
export function comparisonJson({ others, sections, onlyClocks, same }: StateComparison): object {
  return {
    same: others.length === 0 && sections.length === 0,
    sameSections: same,
    others,
    sections: sections.map(differenceJson),
    ignored: onlyClocks.map(({ name, instance, ignored }) => ({ name: printable(name), instance, clocks: ignored })),
  };
}

function differenceJson(difference: SectionDifference): object {
  const { kind, name, instance, before, after, changes, ignored, clocksUnknown, described } = difference;
  const facts = (section: QevmSection | undefined): object | undefined => {
    return section && { version: section.version, bytes: section.bodyLength, xxh64: section.xxh64 };
  };
  return {
    ...{ kind, name: printable(name), instance, before: facts(before), after: facts(after) },
    ...(kind === 'changed' ? { described, changes: changes.map(changeJson), ignored, clocksUnknown } : {}),
  };
}

function changeJson({ field, type, offset, before, after }: Change): object {
  const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');
  const shownType = type === undefined ? undefined : printable(type);
  return { field, type: shownType, offset, before: hex(before), after: hex(after) };
}

/** The comparison as text: one line for each section that differs, its changes below it, and a summary at the end. */
export function comparisonText({ others, sections, onlyClocks, same }: StateComparison): string {
  const lines = others.map(({ what, before, after }) => `changed  ${what}: ${before || 'none'} -> ${after || 'none'}`);
  for (const difference of sections) lines.push(...differenceLines(difference));
  for (const { name, instance, ignored } of onlyClocks)
    lines.push(`ignored  ${titled(name, instance)}: ${clocks(ignored)}`);
  const unsure = [...sections, ...onlyClocks].filter(({ clocksUnknown }) => clocksUnknown);
  if (unsure.length > 0) {
    const names = unsure.map(({ name, instance }) => titled(name, instance)).join(', ');
    lines.push(`note     ${names}: clocks not ignored (the state has no description that locates them)`);
  }
  const differ = sections.length + others.length;
  const found = differ === 0 ? 'no differences' : counted(differ, 'difference');
  lines.push(`${found}; ${counted(same, 'section')} identical`);
  return lines.join('\n');
}

function differenceLines({ kind, name, instance, before, after, changes, ignored }: SectionDifference): string[] {
  const [one, other] = [before ?? after, after ?? before];
  if (one === undefined || other === undefined) return [];
  const version =
    one.version === other.version ? `version ${one.version}` : `version ${one.version} -> ${other.version}`;
  const same = one.bodyLength === other.bodyLength;
  const bytes = same ? `${one.bodyLength} bytes` : `${one.bodyLength} -> ${other.bodyLength} bytes`;
  const head = `${kind.padEnd(8)} ${titled(name, instance)}: ${version}, ${bytes}`;
  const shown = changes.slice(0, MOST_SHOWN).map((change) => `           ${changeText(change)}`);
  const hidden = changes.length - shown.length;
  const more = hidden > 0 ? [`           ... and ${hidden} more, see --json`] : [];
  return [head, ...shown, ...more, ...(ignored > 0 ? [`           ignored: ${clocks(ignored)}`] : [])];
}

function changeText({ field, type, offset, before, after }: Change): string {
  const value = (bytes: Uint8Array | undefined): string => {
    if (bytes === undefined) return 'absent';
    if (bytes.length === 0) return 'empty';
    if (field !== undefined && type !== undefined && !field.includes('+0x')) return valueText({ type, bytes });
    const hex = Buffer.from(bytes.subarray(0, BYTES_SHOWN))
      .toString('hex')
      .replaceAll(/..(?=.)/g, '$& ');
    return bytes.length > BYTES_SHOWN ? `${hex} ... ${bytes.length} bytes` : hex;
  };
  const location = field ?? `bytes at ${offset} (0x${offset.toString(16)})`;
  return `${location}: ${value(before)} -> ${value(after)}`;
}

function titled(name: string, instance: number): string {
  return `${printable(name)}${instance === 0 ? '' : `:${instance}`}`;
}

function clocks(count: number): string {
  return `${counted(count, 'change')} of clocks and timers`;
}
