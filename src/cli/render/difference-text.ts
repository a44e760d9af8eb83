/** The differences between two states, for people and for `--json`. */
import { printable } from '../../base/errors/index.js';
import type { Change, QevmSection, SectionDifference, StateComparison } from '../../formats/qevm/index.js';
import { valueText } from './section-view.js';

/** Of one section, for people; `--json` has all. */
const MOST_SHOWN = 64;
/** Bytes of a change, for people. */
const BYTES_SHOWN = 16;

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

export function comparisonText({ others, sections, onlyClocks, same }: StateComparison): string {
  const lines = others.map(({ what, before, after }) => `changed  ${what}: ${before || 'none'} -> ${after || 'none'}`);
  for (const difference of sections) lines.push(...differenceLines(difference));
  for (const { name, instance, ignored } of onlyClocks)
    lines.push(`ignored  ${titled(name, instance)}: ${clocks(ignored)}`);
  const unsure = [...sections, ...onlyClocks].filter(({ clocksUnknown }) => clocksUnknown);
  if (unsure.length > 0) {
    const names = unsure.map(({ name, instance }) => titled(name, instance)).join(', ');
    lines.push(
      `note     ${names}: has clocks, but without a description it is not known where; nothing of them was ignored`,
    );
  }
  const differ = sections.length + others.length;
  const found = differ === 0 ? 'no differences' : differ === 1 ? '1 difference' : `${differ} differences`;
  lines.push(`${found}; sections that are the same: ${same}`);
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
  const left = changes.length - shown.length;
  const more = left > 0 ? [`           ... and ${left} more; --json has them`] : [];
  return [head, ...shown, ...more, ...(ignored > 0 ? [`           ignored: ${clocks(ignored)}`] : [])];
}

function changeText({ field, type, offset, before, after }: Change): string {
  const value = (bytes: Uint8Array | undefined): string => {
    if (bytes === undefined) return 'not there';
    if (bytes.length === 0) return 'nothing';
    if (field !== undefined && type !== undefined && !field.includes('+0x')) return valueText({ type, bytes });
    const hex = Buffer.from(bytes.subarray(0, BYTES_SHOWN))
      .toString('hex')
      .replaceAll(/..(?=.)/g, '$& ');
    return bytes.length > BYTES_SHOWN ? `${hex} ... ${bytes.length} bytes` : hex;
  };
  const place = field ?? `bytes at ${offset} (0x${offset.toString(16)})`;
  return `${place}: ${value(before)} -> ${value(after)}`;
}

function titled(name: string, instance: number): string {
  return `${printable(name)}${instance === 0 ? '' : `:${instance}`}`;
}

function clocks(count: number): string {
  return `${count} ${count === 1 ? 'change' : 'changes'} of clocks and timers`;
}
