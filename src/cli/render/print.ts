/**
 * What goes to a person or a program: one JSON document or aligned text on standard output, errors on standard error.
 */
import Table from 'cli-table3';
import type { StubferryError } from '../../base/errors/index.js';

/** Writes all of `text` and waits until it is taken: the process may end right after. */
function writeAll(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}

export function printJson(document: unknown): Promise<void> {
  return writeAll(process.stdout, `${JSON.stringify(document, null, 2)}\n`);
}

/** One of many documents, each on a line. */
export function printJsonLine(document: unknown): Promise<void> {
  return writeAll(process.stdout, `${JSON.stringify(document)}\n`);
}

export function printText(text: string): Promise<void> {
  return writeAll(process.stdout, `${text}\n`);
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

/** A table without lines. @param right the columns (from 0) that are numbers */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const result = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_, column) => (right.includes(column) ? 'right' : 'left')),
  });
  result.push([...head], ...rows.map((row) => [...row]));
  return trimLines(result.toString());
}

/** Names and values below each other; values that are empty are left out. */
export function facts(pairs: readonly (readonly [string, string | undefined])[]): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined && pair[1] !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** An error for people: what and where, then what was expected, found, and what to do. */
function describeError(error: StubferryError): string {
  const { where, offset, expected, found, hint } = error.details;
  const place = where === undefined ? '' : `${where}: `;
  const details = facts(
    [
      ['  offset', offset === undefined ? undefined : `${offset}`],
      ['  expected', expected],
      ['  found', found],
      ['  what to do', hint],
    ].map(([name, value]) => [name ?? '', value] as const),
  );
  const first = `stubferry: ${place}${error.message} [${error.code}]`;
  return details === '' ? first : `${first}\n${details}`;
}

/** Reports a failed command, in the form that was asked for. */
export async function printError(error: StubferryError, json: boolean): Promise<void> {
  if (json) await printJson({ error: error.report() });
  await writeAll(process.stderr, `${describeError(error)}\n`);
}
