/**
 * Paths of xenstore, as docs/misc/xenstore.txt defines them:
 *
 *     /local/domain/3/data      absolute
 *     data                      relative to /local/domain/<domid of the caller>, in a domain other than dom0
 *     @releaseDomain            not a node, but it can be watched
 */
import { printable, StubferryError } from '../../../base/errors/index.js';

/** Longest paths, in characters, which are bytes here: XENSTORE_ABS_PATH_MAX and XENSTORE_REL_PATH_MAX. */
const PATH_MAX = { absolute: 3072, relative: 2048 } as const;

const NAME = '[-+@A-Za-z0-9_]+';
const NODE = new RegExp(`^(?:/|/?${NAME}(?:/${NAME})*)$`);
const CHILD = new RegExp(`^${NAME}$`);

/** Whether `path` may be used in a request. A path that begins with `@` is not a node. */
export function isPath(path: string): boolean {
  return NODE.test(path) && path.length <= (path.startsWith('/') ? PATH_MAX.absolute : PATH_MAX.relative);
}

/** Whether `name` may be the name of a child. */
export function isChildName(name: string): boolean {
  return CHILD.test(name);
}

/** Whether `path` is `parent` or below it. */
export function isWithin(path: string, parent: string): boolean {
  return path === parent || path.startsWith(parent === '/' ? '/' : `${parent}/`);
}

/**
 * Rejects a path that {@link isPath} does not accept.
 * @throws StubferryError XENSTORE_INVALID
 */
export function checkPath(path: string): void {
  if (isPath(path)) return;
  const limit = path.startsWith('/') ? PATH_MAX.absolute : PATH_MAX.relative;
  throw new StubferryError('XENSTORE_INVALID', 'not a valid xenstore path', {
    where: printable(path, 200),
    expected: `names of A-Z a-z 0-9 - _ @ + separated by /, at most ${limit} characters`,
    found: path.length > limit ? `${path.length} characters` : JSON.stringify(printable(path, 200)),
  });
}
