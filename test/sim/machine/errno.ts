/** Returns an error with an errno code, as Node throws it. */
export function errno(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
