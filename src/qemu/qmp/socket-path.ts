/**
 * The length limit of a unix socket path: `sun_path` has 108 bytes, including the terminating zero byte (unix(7)).
 *
 * Node silently truncates a longer path and then listens on, or connects to, a different path than the caller named.
 */
const SOCKET_PATH_BYTES = 107;

/** Returns why `path` cannot be the path of a unix socket; undefined when it can. */
export function invalidSocketPath(path: string): string | undefined {
  const length = Buffer.byteLength(path);
  return length <= SOCKET_PATH_BYTES
    ? undefined
    : `a path of ${length} bytes (the maximum for a socket is ${SOCKET_PATH_BYTES})`;
}
