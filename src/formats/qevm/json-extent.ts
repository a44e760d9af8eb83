/**
 * Limits the memory that a JSON text takes when it is parsed. The check runs before the text is parsed, because a value
 * of two bytes in the text takes about a hundred bytes in V8.
 */

/** Limits of a JSON text. */
export interface JsonLimits {
  /** Length of the text, in bytes. */
  readonly bytes: number;
  /** Levels of nested arrays and objects. */
  readonly depth: number;
  /** Number of values: arrays and objects count as well. */
  readonly values: number;
}

/**
 * Returns what is expected and what is found for the first limit that the text exceeds; undefined if it exceeds none.
 */
export function beyondJsonLimits(text: Uint8Array, limits: JsonLimits): readonly [string, string] | undefined {
  if (text.length > limits.bytes) return [`at most ${limits.bytes} bytes`, `${text.length}`];
  const { depth, values } = extentOf(text);
  if (depth > limits.depth) return [`at most ${limits.depth} levels`, `${depth}`];
  if (values > limits.values) return [`at most ${limits.values} values`, `${values}`];
  return undefined;
}

const [QUOTE, BACKSLASH, COMMA] = ['"', '\\', ','].map((character) => character.charCodeAt(0));
const OPENING: readonly number[] = ['{', '['].map((character) => character.charCodeAt(0));
const CLOSING: readonly number[] = ['}', ']'].map((character) => character.charCodeAt(0));

/** Counts the levels and the values of a JSON text without parsing it. */
function extentOf(text: Uint8Array): { readonly depth: number; readonly values: number } {
  let level = 0;
  let depth = 0;
  let values = 1;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0;
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA) values += 1;
    else if (OPENING.includes(byte)) {
      level += 1;
      values += 1;
      depth = Math.max(depth, level);
    } else if (CLOSING.includes(byte)) level -= 1;
  }
  return { depth, values };
}
