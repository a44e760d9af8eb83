/**
 * Text from the other side of a disk can contain anything, including terminal escapes. Every such text passes through
 * this function before stubferry writes it to a terminal or a log.
 */

/**
 * Returns `text` with control, format, surrogate, private-use and unassigned characters escaped as `\u{..}`.
 *
 * @param limit truncates the text to so many characters (before it is escaped) and appends "..."
 */
export function printable(text: string, limit = 1024): string {
  const truncated = text.length > limit ? `${text.slice(0, limit)}...` : text;
  return truncated.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
