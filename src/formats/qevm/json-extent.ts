/**
 * How large a JSON text becomes when it is parsed: looked at before it is, since V8 makes some hundred bytes of a value that
 * takes two in the text.
 */

export interface JsonLimits {
  readonly bytes: number;
  /** Nesting of arrays and objects. */
  readonly depth: number;
  readonly values: number;
}

/** Which limit the text would break: what is expected, and what is found. */
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

/** How deep a JSON text is, and how many values it has, without parsing it. */
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
