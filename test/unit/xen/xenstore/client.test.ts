/** The requests, tested with the real xenstored. */
import { expect, it } from '@jest/globals';
import { describeWith } from '../../../support/blockdev-utils/as-root.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { xenstoreStage } from '../../../support/xenstore/stage.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

describeWith(XENSTORED, 'a client of xenstore', () => {
  const stage = xenstoreStage();

  it('reads what it wrote, and undefined for a missing node', async () => {
    const store = await stage.dom0();
    await store.write('/test/name', 'stubdom \u00e9');
    expect(await store.read('/test/name')).toBe('stubdom \u00e9');
    expect(await store.read('/test/nothing')).toBeUndefined();
    expect(await store.read('/test')).toBe('');
  });

  it('writes and reads bytes of any kind', async () => {
    const store = await stage.dom0();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.write('/test/bytes', bytes);
    expect(Buffer.from((await store.readBytes('/test/bytes')) ?? [])).toEqual(Buffer.from(bytes));
  });

  it('rejects a value that is not text', async () => {
    const store = await stage.dom0();
    await store.write('/test/bytes', Uint8Array.of(0x80));
    expect(await rejectionOf(store.read('/test/bytes'))).toMatchObject({
      code: 'XENSTORE_INVALID',
      message: 'the value of the node is not text',
      details: { where: '/test/bytes', expected: 'UTF-8', found: '1 bytes that are not UTF-8' },
    });
  });

  it('creates nodes without a value, and does not change an existing node', async () => {
    const store = await stage.dom0();
    await store.mkdir('/test/made');
    expect(await store.read('/test/made')).toBe('');
    await store.write('/test/made', 'value');
    await store.mkdir('/test/made');
    expect(await store.read('/test/made')).toBe('value');
  });

  it('removes a node with everything below it; a missing node or parent is not an error', async () => {
    const store = await stage.dom0();
    await store.write('/test/a/b/c', '1');
    await store.remove('/test/a');
    expect(await store.read('/test/a/b/c')).toBeUndefined();
    await store.remove('/test/a');
    await store.remove('/test/a/b/c');
  });

  it('lists children: some, none, and undefined for a missing node', async () => {
    const store = await stage.dom0();
    await store.write('/test/b', '');
    await store.write('/test/a/x', '');
    expect((await store.directory('/test'))?.sort()).toEqual(['a', 'b']);
    expect(await store.directory('/test/b')).toEqual([]);
    expect(await store.directory('/test/nothing')).toBeUndefined();
  });

  it('lists children whose names do not fit into one message', async () => {
    const store = await stage.dom0();
    const names = Array.from({ length: 700 }, (_, index) => `child-number-${index}`);
    for (const name of names) await store.mkdir(`/test/many/${name}`);
    expect(names.join('\0').length).toBeGreaterThan(2 * 4096);
    expect((await store.directory('/test/many'))?.sort()).toEqual(names.sort());
  });

  it('sets and reads permissions', async () => {
    const store = await stage.dom0();
    await store.write('/test/node', '');
    const [owner, second, third] = stage.peers;
    const permissions = {
      owner,
      others: { read: true, write: false },
      domains: [
        { domid: 0, read: true, write: true },
        { domid: second, read: false, write: false },
        { domid: third, read: false, write: true },
      ],
    };
    await store.setPermissions('/test/node', permissions);
    expect(await store.permissions('/test/node')).toEqual(permissions);
    expect(await store.permissions('/test/nothing')).toBeUndefined();
  });

  it('grants access only to the owner by default, and new nodes below inherit the permissions', async () => {
    const store = await stage.dom0();
    const [owner, domid] = stage.peers;
    await store.mkdir('/test/node');
    await store.setPermissions('/test/node', { owner, domains: [{ domid, read: true, write: false }] });
    await store.write('/test/node/below', '');
    expect(await store.permissions('/test/node/below')).toEqual({
      owner,
      others: { read: false, write: false },
      domains: [{ domid, read: true, write: false }],
    });
  });

  it('returns the home of a domain, and whether the domain is introduced', async () => {
    const store = await stage.dom0();
    await stage.domain(7);
    expect(await store.domainPath(7)).toBe('/local/domain/7');
    expect(await store.isIntroduced(7)).toBe(true);
    expect(await store.isIntroduced(8)).toBe(false);
  });

  it('handles many concurrent requests', async () => {
    const store = await stage.dom0();
    await Promise.all(Array.from({ length: 200 }, (_, index) => store.write(`/test/${index}`, `${index}`)));
    const read = await Promise.all(Array.from({ length: 200 }, (_, index) => store.read(`/test/${index}`)));
    expect(read).toEqual(Array.from({ length: 200 }, (_, index) => `${index}`));
  });

  it('connects together with many others, although xenstored queues only one connection', async () => {
    const stores = await Promise.all(Array.from({ length: 40 }, () => stage.dom0()));
    expect(new Set(await Promise.all(stores.map((store) => store.read('/test'))))).toEqual(new Set([undefined]));
  });

  it('reports a refusal of xenstored and remains usable', async () => {
    const store = await stage.dom0();
    expect(await rejectionOf(store.setPermissions('/test/nothing', { owner: 0, domains: [] }))).toMatchObject({
      code: 'XENSTORE_REFUSED',
      message: 'xenstored refused SET_PERMS',
      details: { where: '/test/nothing', found: 'ENOENT' },
    });
    // The documentation allows a plus sign, xenstored 4.17 does not.
    expect(await rejectionOf(store.read('/test/a+b'))).toMatchObject({
      code: 'XENSTORE_REFUSED',
      details: { found: 'EINVAL' },
    });
    expect(await store.read('/test')).toBeUndefined();
  });

  it('sends no request beyond the limits of the protocol', async () => {
    const store = await stage.dom0();
    const longest = 4096 - '/test/long|'.length;
    await store.write('/test/long', 'x'.repeat(longest));
    expect(await store.read('/test/long')).toHaveLength(longest);
    expect(await rejectionOf(store.write('/test/long', 'x'.repeat(longest + 1)))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { expected: 'a path and a value of at most 4096 bytes', found: '4097 bytes' },
    });
    const many = Array.from({ length: 300 }, () => store.read('/test/long').catch((error: unknown) => error));
    const refused = (await Promise.all(many)).filter((one) => typeof one !== 'string');
    expect(refused).toHaveLength(300 - 256);
    expect(refused[0]).toMatchObject({ code: 'LIMIT_EXCEEDED', message: 'too many concurrent requests to xenstore' });
    expect(await store.read('/test/long')).toHaveLength(longest);
  });

  it.each([
    ['no characters', ''],
    ['a slash at the end', '/test/'],
    ['two slashes', '/test//a'],
    ['a space', '/test/a b'],
    ['a letter beyond ASCII', '/test/\u00e9'],
    ['3073 characters', `/${'x'.repeat(3072)}`],
    ['2049 characters of a relative path', 'x'.repeat(2049)],
  ])('rejects a path with %s', async (_what, path) => {
    const store = await stage.dom0();
    expect(await rejectionOf(store.read(path))).toMatchObject({
      code: 'XENSTORE_INVALID',
      message: 'not a valid xenstore path',
    });
  });

  it('rejects text with a zero byte, and an invalid domain id', async () => {
    const store = await stage.dom0();
    expect(await rejectionOf(store.write('/test/a', 'a\0b'))).toMatchObject({
      code: 'XENSTORE_INVALID',
      message: 'text for xenstore must not contain a zero byte',
      details: { where: '/test/a', found: '"a\\\\u{0}b"' },
    });
    expect(await rejectionOf(store.domainPath(-1))).toMatchObject({
      code: 'XENSTORE_INVALID',
      message: 'not a valid domain id',
      details: { expected: 'a number from 0 to 65535', found: '-1' },
    });
  });
});
