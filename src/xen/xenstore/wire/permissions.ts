/**
 * Who may do what with a node: the payload of GET_PERMS and SET_PERMS.
 *
 *     n3 \0  r0 \0  b7 \0        n none, r read, w write, b both
 *     |      |      '-- domain 7 may read and write
 *     |      '-- domain 0 may read
 *     '-- domain 3 owns it, and may do everything; the letter is for all domains that are not named
 */
import { StubferryError } from '../../../base/errors/index.js';
import { malformed } from './message.js';

export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

export interface Permissions {
  /** Domid of the owner, who may do everything. */
  readonly owner: number;
  /** What all may who are not named: nothing, by default. */
  readonly others?: Access;
  readonly domains: readonly (Access & { readonly domid: number })[];
}

const NOTHING: Access = { read: false, write: false };

/** Domids are 16 bits. */
const DOMID_MAX = 0xffff;

const LETTERS = new Map<string, Access>([
  ['n', NOTHING],
  ['r', { read: true, write: false }],
  ['w', { read: false, write: true }],
  ['b', { read: true, write: true }],
]);

/** @throws StubferryError XENSTORE_INVALID for what is no domid */
export function permissionStrings({ owner, others = NOTHING, domains }: Permissions): string[] {
  return [{ ...others, domid: owner }, ...domains].map(({ domid, read, write }) => {
    checkDomid(domid);
    return `${read ? (write ? 'b' : 'r') : write ? 'w' : 'n'}${domid}`;
  });
}

/** @throws StubferryError XENSTORE_PROTOCOL */
export function permissionsOf(strings: readonly string[]): Permissions {
  const [first, ...domains] = strings.map(entryOf);
  if (first === undefined) throw malformed('the owner of a node', 'no permissions at all');
  const { domid: owner, ...others } = first;
  return { owner, others, domains };
}

/** @throws StubferryError XENSTORE_INVALID */
export function checkDomid(domid: number): void {
  if (Number.isInteger(domid) && domid >= 0 && domid <= DOMID_MAX) return;
  throw new StubferryError('XENSTORE_INVALID', 'this is no domid', {
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
