/**
 * Mutations are deliberate bugs. A mutation replaces a span of source, which must occur exactly once in its file;
 * otherwise the mutation is out of date.
 *
 * A span is found by its tokens and not by its text: line breaks, indentation, comments and trailing commas may differ,
 * so that a mutation still applies after a formatter or a new comment has changed the file.
 */

/** One replaced span. */
export interface Change {
  /** The path of the file in src/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  readonly name: string;
  readonly changes: readonly Change[];
}

/** Returns a mutation with one change. @param file the path in src/ */
export function mutant(name: string, file: string, from: string, to: string): Mutation {
  return { name, changes: [{ file, from, to }] };
}

/** Applies a mutation to the source of a file. @throws Error when it does not apply */
export function mutated(file: string, source: string, mutation: Mutation | undefined): string {
  let result = source;
  for (const { from, to } of mutation?.changes.filter((change) => change.file === file) ?? []) {
    const found = occurrences(result, from);
    const [only, ...others] = found;
    if (only === undefined || others.length > 0)
      throw new Error(`mutant '${mutation?.name}' does not apply: src/${file} has ${found.length} times: ${from}`);
    result = `${result.slice(0, only.start)}${to}${result.slice(only.end)}`;
  }
  return result;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Matches comments, strings, templates, words and numbers, and every other character as a separate token. */
const TOKEN = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|[#$\w]+|\S/g;

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  for (const { 0: text, index: start } of source.matchAll(TOKEN)) {
    if (text.startsWith('/*') || text.startsWith('//')) continue;
    // A formatter adds a comma after the last element when it breaks a line.
    if (/^[)\]}]$/.test(text) && tokens.at(-1)?.text === ',') tokens.pop();
    tokens.push({ text, start, end: start + text.length });
  }
  return tokens;
}

function occurrences(source: string, piece: string): { readonly start: number; readonly end: number }[] {
  const tokens = tokensOf(source);
  const wanted = tokensOf(piece);
  const found: { start: number; end: number }[] = [];
  for (let at = 0; at + wanted.length <= tokens.length; at += 1) {
    if (!wanted.every(({ text }, index) => tokens[at + index]?.text === text)) continue;
    found.push({ start: tokens[at]?.start ?? 0, end: tokens[at + wanted.length - 1]?.end ?? 0 });
  }
  return found;
}
