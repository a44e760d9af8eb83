/**
 * Prints reports: one JSON document or aligned text on standard output, errors on standard error.
 */
import Table from 'cli-table3';
import type { StubferryError } from '../../base/errors/index.js';

/** Writes all of `text` and waits until the stream has taken it, because the process may exit right after. */
function writeAll(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}

/** Prints the one JSON document of a command. */
export function printJson(document: unknown): Promise<void> {
  return writeAll(process.stdout, `${JSON.stringify(document, null, 2)}\n`);
}

/** Prints one of many JSON documents, each on a line of its own. */
export function printJsonLine(document: unknown): Promise<void> {
  return writeAll(process.stdout, `${JSON.stringify(document)}\n`);
}

/** Prints `text` and a line break. */
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

/** A table without borders. @param right the columns, counted from 0, that are aligned to the right */
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

/** One line for each name and its value, with the values aligned. Pairs with an empty value are omitted. */
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

/** An error as text: where and what, then the offset, what was expected and found, and what to do. */
function describeError(error: StubferryError): string {
  const { where, offset, expected, found, hint } = error.details;
  const prefix = where === undefined ? '' : `${where}: `;
  const details = facts(
    [
      ['  offset', offset === undefined ? undefined : `${offset}`],
      ['  expected', expected],
      ['  found', found],
      ['  what to do', hint],
    ].map(([name, value]) => [name ?? '', value] as const),
  );
  const first = `stubferry: ${prefix}${error.message} [${error.code}]`;
  return details === '' ? first : `${first}\n${details}`;
}

/** Reports a failed command: as text on standard error, and with `json` also as a document on standard output. */
export async function printError(error: StubferryError, json: boolean): Promise<void> {
  if (json) await printJson({ error: error.report() });
  await writeAll(process.stderr, `${describeError(error)}\n`);
}
