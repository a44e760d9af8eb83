/**
 * Text that came from the other side of a disk may hold anything, terminal escapes included. Nothing of it
 * reaches a terminal or a log before it went through here.
 */

/** `text` with control, format and surrogate characters as `\u{..}`, cut to `limit` characters. */
export function printable(text: string, limit = 1024): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}...` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
