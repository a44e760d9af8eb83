/**
 * The requests: the payload of each one, and how to parse its reply. Source: docs/misc/xenstore.txt, in which `|`
 * stands for a zero byte.
 */
import type { RequestType } from './message.js';
import { checkPath } from './path.js';
import { checkDomid, type Permissions, permissionStrings, permissionsOf } from './permissions.js';
import {
  booleanOf,
  checkDone,
  childrenOf,
  type DirectoryPart,
  directoryPartOf,
  pathOf,
  transactionIdOf,
} from './replies.js';
import { decodeStrings, encodeStrings, encodeText } from './strings.js';

/** A request whose reply contains a T. */
export interface Request<T> {
  readonly type: RequestType;
  /** The node or domain that the request is about, for messages; undefined when there is none. */
  readonly where: string | undefined;
  readonly payload: Uint8Array;
  /**
   * Parses the payload of the reply.
   * @throws StubferryError XENSTORE_PROTOCOL
   */
  readonly parse: (payload: Uint8Array) => T;
}

/** Reads the value of a node. */
export function read(path: string): Request<Uint8Array> {
  return of(path, 'READ', (value) => value);
}

/**
 * Sets the value of a node.
 * @throws StubferryError XENSTORE_INVALID: when text contains a zero byte
 */
export function write(path: string, value: string | Uint8Array): Request<void> {
  checkPath(path);
  const bytes = typeof value === 'string' ? encodeText(value, path) : value;
  return { type: 'WRITE', where: path, payload: encodeStrings([path], bytes), parse: checkDone };
}

export function mkdir(path: string): Request<void> {
  return of(path, 'MKDIR', checkDone);
}

export function rm(path: string): Request<void> {
  return of(path, 'RM', checkDone);
}

export function directory(path: string): Request<string[]> {
  return of(path, 'DIRECTORY', childrenOf);
}

/**
 * Reads a part of a long list of children.
 * @param offset offset in the list of all names with their zero bytes
 */
export function directoryPart(path: string, offset: number): Request<DirectoryPart> {
  return of(path, 'DIRECTORY_PART', directoryPartOf, String(offset));
}

export function getPermissions(path: string): Request<Permissions> {
  return of(path, 'GET_PERMS', (payload) => permissionsOf(decodeStrings(payload)));
}

export function setPermissions(path: string, permissions: Permissions): Request<void> {
  return of(path, 'SET_PERMS', checkDone, ...permissionStrings(permissions));
}

/**
 * Sets a watch.
 * @param token each event of the watch repeats it
 */
export function watch(path: string, token: string): Request<void> {
  return of(path, 'WATCH', checkDone, token);
}

export function unwatch(path: string, token: string): Request<void> {
  return of(path, 'UNWATCH', checkDone, token);
}

export function startTransaction(): Request<number> {
  return { type: 'TRANSACTION_START', where: undefined, payload: encodeStrings(['']), parse: transactionIdOf };
}

export function endTransaction(how: 'commit' | 'discard'): Request<void> {
  const payload = encodeStrings([how === 'commit' ? 'T' : 'F']);
  return { type: 'TRANSACTION_END', where: undefined, payload, parse: checkDone };
}

export function getDomainPath(domid: number): Request<string> {
  return ofDomain(domid, 'GET_DOMAIN_PATH', pathOf);
}

export function isDomainIntroduced(domid: number): Request<boolean> {
  return ofDomain(domid, 'IS_DOMAIN_INTRODUCED', booleanOf);
}

function of<T>(path: string, type: RequestType, parse: (payload: Uint8Array) => T, ...rest: string[]): Request<T> {
  checkPath(path);
  return { type, where: path, payload: encodeStrings([path, ...rest]), parse };
}

function ofDomain<T>(domid: number, type: RequestType, parse: (payload: Uint8Array) => T): Request<T> {
  checkDomid(domid);
  return { type, where: `domain ${domid}`, payload: encodeStrings([String(domid)]), parse };
}
