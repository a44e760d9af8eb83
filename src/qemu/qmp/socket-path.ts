/**
 * What fits into the address of a unix socket: `sun_path` has 108 bytes, with the zero at its end (unix(7)).
 *
 * Node cuts a longer path without a word, and then listens on, or connects to, another one than it was told.
 */
const SOCKET_PATH_BYTES = 107;

/** Why `path` can be no socket's; undefined when it can. */
export function invalidSocketPath(path: string): string | undefined {
  const length = Buffer.byteLength(path);
  return length <= SOCKET_PATH_BYTES
    ? undefined
    : `a path of ${length} bytes, where a socket has ${SOCKET_PATH_BYTES} at most`;
}
