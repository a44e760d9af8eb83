import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Permissions,
  permissionStrings,
  permissionsOf,
} from '../../../../../src/xen/xenstore/wire/permissions.js';
import { errorOf } from '../../../../support/protocol/error-of.js';

const access = { read: fc.boolean(), write: fc.boolean() };
const domids = fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 65535 }));
const permissions: fc.Arbitrary<Permissions> = fc.record({
  owner: domids,
  others: fc.record(access),
  domains: fc.array(fc.record({ domid: domids, ...access }), { maxLength: 5 }),
});

describe('permissions of a node', () => {
  it('are decoded as they were encoded', () => {
    fc.assert(
      fc.property(permissions, (given) => {
        expect(permissionsOf(permissionStrings(given))).toEqual(given);
      }),
    );
  });

  it('are encoded with the letters of the protocol, the owner first; the default for others is no access', () => {
    const domains = [
      { domid: 0, read: true, write: false },
      { domid: 7, read: true, write: true },
      { domid: 8, read: false, write: true },
      { domid: 9, read: false, write: false },
    ];
    expect(permissionStrings({ owner: 3, domains })).toEqual(['n3', 'r0', 'b7', 'w8', 'n9']);
    expect(permissionStrings({ owner: 3, others: { read: true, write: true }, domains: [] })).toEqual(['b3']);
  });

  it.each([
    ['no entries', [], 'no permissions at all'],
    ['an unknown letter', ['x3'], '"x3"'],
    ['no number', ['r'], '"r"'],
    ['more than a number', ['n3', 'r1 '], '"r1 "'],
    ['an invalid domain id', ['r65536'], '"r65536"'],
  ])('with %s are rejected', (_what, strings, found) => {
    expect(errorOf(() => permissionsOf(strings))).toMatchObject({ code: 'XENSTORE_PROTOCOL', details: { found } });
  });

  it.each([-1, 0.5, 65536, Number.NaN])('for domain id %d are not encoded', (domid) => {
    expect(errorOf(() => permissionStrings({ owner: domid, domains: [] }))).toMatchObject({
      code: 'XENSTORE_INVALID',
      details: { expected: 'a number from 0 to 65535', found: String(domid) },
    });
  });
});
