/** The contents of one section: its fields where the state describes them, else its bytes. */
import { printable } from '../../base/errors/index.js';
import {
  type Analysis,
  type Field,
  fieldValue,
  type QevmSection,
  type QevmState,
  readFields,
  type Struct,
  structAnalysis,
} from '../../formats/qevm/index.js';

const BYTES_IN_A_LINE = 16;
/** How many bytes of a field are shown. */
const BYTES_OF_A_FIELD = 32;
const INDENT = '  ';

/** The contents of a section. */
export interface SectionContents {
  readonly body: Uint8Array;
  /** Undefined when the state has no description or the bytes were requested. */
  readonly fields: Struct | undefined;
}

/** Reads a section. @param hex do not decode fields. @returns undefined for RAM, which is not kept in memory */
export function contentsOf(state: QevmState, section: QevmSection, hex: boolean): SectionContents | undefined {
  const body = state.bodyOf(section);
  if (body === undefined) return undefined;
  const described = state.sections.filter(({ type }) => type === 'full').indexOf(section);
  const device = hex || state.split !== 'description' ? undefined : state.description?.devices[described];
  return { body, fields: device === undefined ? undefined : readFields(body, device) };
}

/** The contents for `--json`: the fields in the form of QEMU's scripts/analyze-migration.py, or all bytes in hex. */
export function contentsJson({ body, fields }: SectionContents): { fields: Analysis } | { hex: string } {
  if (fields === undefined) return { hex: Buffer.from(body).toString('hex') };
  return { fields: withPrintableNames(structAnalysis(fields)) };
}

function withPrintableNames(analysis: Analysis): Analysis {
  if (typeof analysis !== 'object') return analysis;
  if (Array.isArray(analysis)) return analysis.map(withPrintableNames);
  return Object.fromEntries(
    Object.entries(analysis).map(([name, value]) => [printable(name), withPrintableNames(value)]),
  );
}

/** The contents as text: one line for each field, or a hex dump. */
export function contentsText({ body, fields }: SectionContents): string {
  return fields === undefined ? hexDump(body) : structLines(fields, '').join('\n');
}

/** A hex dump. Offsets count from the first byte of the section body. */
function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_IN_A_LINE) {
    const line = Buffer.from(bytes.subarray(at, at + BYTES_IN_A_LINE));
    const hex = spaced(line).padEnd(3 * BYTES_IN_A_LINE - 1);
    const text = line.toString('latin1').replaceAll(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex}  |${text}|`);
  }
  return lines.join('\n');
}

function structLines({ fields, subsections }: Struct, indent: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < fields.length; ) {
    const field = fields[at];
    const run = runLength(fields, at);
    if (field !== undefined) lines.push(...fieldLines(field, run, indent));
    at += run;
  }
  for (const { name, version, ...struct } of subsections) {
    lines.push(`${indent}${printable(name)} (subsection, version ${version})`, ...structLines(struct, indent + INDENT));
  }
  return lines;
}

/** How many consecutive elements of an array, from `at`, have the same bytes. */
function runLength(fields: readonly Field[], at: number): number {
  const first = fields[at];
  let run = 1;
  for (let next = fields[at + 1]; first?.index !== undefined && next !== undefined; next = fields[at + run]) {
    if (next.name !== first.name || Buffer.compare(next.bytes, first.bytes) !== 0) break;
    run += 1;
  }
  return run;
}

function fieldLines({ name, index, type, bytes, struct }: Field, run: number, indent: string): string[] {
  const last = run > 1 && index !== undefined ? `..${index + run - 1}` : '';
  const label = `${indent}${printable(name)}${index === undefined ? '' : `[${index}${last}]`}`;
  if (struct !== undefined) return [label, ...structLines(struct, indent + INDENT)];
  return [`${label}  ${valueText({ type, bytes })}  (${printable(type)})`];
}

/** A value such as `0x0000001f = 31`, `-1`, `true`, or bytes in hex. Numbers from -9 to 9 have no hex form. */
export function valueText(field: Pick<Field, 'type' | 'bytes'>): string {
  const { kind, value } = fieldValue(field);
  if (kind === 'boolean') return `${value}`;
  if (kind === 'integer') {
    const hex = `0x${Buffer.from(field.bytes).toString('hex')}`;
    return value > -10n && value < 10n ? `${value}` : `${hex} = ${value}`;
  }
  const shown = spaced(value.subarray(0, BYTES_OF_A_FIELD));
  if (value.length === 0) return 'no bytes';
  return value.length > BYTES_OF_A_FIELD ? `${shown} ... ${value.length} bytes` : shown;
}

function spaced(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replaceAll(/..(?=.)/g, '$& ');
}
