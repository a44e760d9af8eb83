/**
 * The permissions of a node: the payload of GET_PERMS and SET_PERMS (docs/misc/xenstore.txt).
 *
 *     n3 \0  r0 \0  b7 \0        n none, r read, w write, b both
 *     |      |      '-- domain 7 may read and write
 *     |      '-- domain 0 may read
 *     '-- domain 3 is the owner and may do everything; the letter applies to all domains that are not listed
 */
import { StubferryError } from '../../../base/errors/index.js';
import { malformed } from './message.js';

/** What a domain may do with a node. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

/** The permissions of a node. */
export interface Permissions {
  /** Domain id of the owner, which may do everything. */
  readonly owner: number;
  /** What domains may do that are not listed. Default: nothing. */
  readonly others?: Access;
  readonly domains: readonly (Access & { readonly domid: number })[];
}

const NOTHING: Access = { read: false, write: false };

/** Domain ids have 16 bits. */
const DOMID_MAX = 0xffff;

const LETTERS = new Map<string, Access>([
  ['n', NOTHING],
  ['r', { read: true, write: false }],
  ['w', { read: false, write: true }],
  ['b', { read: true, write: true }],
]);

/**
 * Encodes permissions as the strings of SET_PERMS.
 * @throws StubferryError XENSTORE_INVALID: when a domain id is invalid
 */
export function permissionStrings({ owner, others = NOTHING, domains }: Permissions): string[] {
  return [{ ...others, domid: owner }, ...domains].map(({ domid, read, write }) => {
    checkDomid(domid);
    return `${read ? (write ? 'b' : 'r') : write ? 'w' : 'n'}${domid}`;
  });
}

/**
 * Decodes the strings of GET_PERMS.
 * @throws StubferryError XENSTORE_PROTOCOL
 */
export function permissionsOf(strings: readonly string[]): Permissions {
  const [first, ...domains] = strings.map(entryOf);
  if (first === undefined) throw malformed('the owner of a node', 'no permissions at all');
  const { domid: owner, ...others } = first;
  return { owner, others, domains };
}

/**
 * Rejects an invalid domain id.
 * @throws StubferryError XENSTORE_INVALID
 */
export function checkDomid(domid: number): void {
  if (Number.isInteger(domid) && domid >= 0 && domid <= DOMID_MAX) return;
  throw new StubferryError('XENSTORE_INVALID', 'not a valid domain id', {
    expected: `a number from 0 to ${DOMID_MAX}`,
    found: String(domid),
  });
}

function entryOf(text: string): Access & { readonly domid: number } {
  const access = LETTERS.get(text.slice(0, 1));
  const domid = /^\d{1,5}$/.test(text.slice(1)) ? Number(text.slice(1)) : Number.NaN;
  if (access === undefined || !(domid <= DOMID_MAX)) {
    throw malformed('a permission such as r3', JSON.stringify(text.slice(0, 20)));
  }
  return { domid, ...access };
}
