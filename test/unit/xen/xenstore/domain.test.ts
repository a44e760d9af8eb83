/**
 * A client in a domain other than dom0: it uses the character device and has only the permissions of its domain.
 * test/support/xenstore/hypervisor.c provides the device, and everything behind it is the real xenstored. The lab tests
 * the real device.
 */
import { execFileSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { XenstoreClient } from '../../../../src/xen/xenstore/index.js';
import { describeWith } from '../../../support/blockdev-utils/as-root.js';
import { until } from '../../../support/qmp/until.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { xenstoreStage } from '../../../support/xenstore/stage.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

const HOME = '/local/domain/7';

/** The names of the children of this process. */
function children(): string[] {
  const list = execFileSync('ps', ['--ppid', `${process.pid}`, '-o', 'comm='], { encoding: 'utf8' });
  return list.split('\n').filter((name) => name !== '' && name !== 'ps');
}

describeWith(XENSTORED, 'a client in a domain', () => {
  const stage = xenstoreStage();

  async function atHome(): Promise<{ dom0: XenstoreClient; domain: XenstoreClient }> {
    const dom0 = await stage.dom0();
    await dom0.mkdir(`${HOME}/data`);
    await dom0.setPermissions(`${HOME}/data`, { owner: 7, domains: [] });
    return { dom0, domain: await stage.domain(7) };
  }

  it('writes to what it owns, and dom0 reads it', async () => {
    const { dom0, domain } = await atHome();
    await domain.write(`${HOME}/data/request`, 'save');
    expect(await dom0.read(`${HOME}/data/request`)).toBe('save');
    expect(await dom0.permissions(`${HOME}/data/request`)).toMatchObject({ owner: 7 });
  });

  it('resolves relative paths against its home', async () => {
    const { domain } = await atHome();
    await domain.write('data/request', 'save');
    expect(await domain.read(`${HOME}/data/request`)).toBe('save');
    const changed: string[] = [];
    await domain.watch('data', (path) => void changed.push(path));
    await until(() => changed.includes('data'));
    await domain.write('data/other', '1');
    await until(() => changed.includes('data/other'));
  });

  it('gets an error for a node without permission', async () => {
    const { dom0, domain } = await atHome();
    await dom0.write('/local/domain/0/secret', 'x');
    for (const work of [domain.read('/local/domain/0/secret'), domain.write('/local/domain/0/secret', 'y')]) {
      expect(await rejectionOf(work)).toMatchObject({
        code: 'XENSTORE_REFUSED',
        details: {
          where: '/local/domain/0/secret',
          found: 'EACCES',
        },
      });
    }
  });

  it('reads and watches a node that it has permission to read', async () => {
    const { dom0, domain } = await atHome();
    await dom0.write('/test/shown', 'first');
    await dom0.setPermissions('/test/shown', { owner: 0, domains: [{ domid: 7, read: true, write: false }] });
    expect(await domain.read('/test/shown')).toBe('first');
    let changes = 0;
    await domain.watch('/test/shown', () => {
      changes += 1;
    });
    await until(() => changes === 1);
    await dom0.write('/test/shown', 'second');
    await until(() => changes === 2);
    expect(await rejectionOf(domain.write('/test/shown', 'mine'))).toMatchObject({ code: 'XENSTORE_REFUSED' });
  });

  it('transfers values of every length that xenstored accepts, concurrently in both directions', async () => {
    const { domain } = await atHome();
    // The rings in its page have 1024 bytes each.
    const lengths = [0, 1, 500, 990, 1007, 1008, 1009, 1023, 1024, 1025, 1500, 1999];
    await Promise.all(lengths.map((length) => domain.write(`data/${length}`, 'x'.repeat(length))));
    const values = await Promise.all(lengths.map((length) => domain.read(`data/${length}`)));
    expect(values.map((value) => value?.length)).toEqual(lengths);
  });

  it('sends one request at a time, because Linux would mix a new request with a queued one', async () => {
    const { domain } = await atHome();
    const names = Array.from({ length: 100 }, (_, index) => `${index}`);
    await Promise.all(names.map((name) => domain.write(`data/many/${name}`, `value of ${name}`)));
    const values = await Promise.all(names.map((name) => domain.read(`data/many/${name}`)));
    expect(values).toEqual(names.map((name) => `value of ${name}`));
  });

  it('sends no request beyond the limit of the kernel: 4096 bytes with the header', async () => {
    const { domain } = await atHome();
    const longest = 4080 - 'data/long|'.length;
    // xenstored's own limit for the nodes of a domain is 2048 bytes: its refusal shows that the request arrived.
    expect(await rejectionOf(domain.write('data/long', 'x'.repeat(longest)))).toMatchObject({
      code: 'XENSTORE_REFUSED',
      details: { found: 'ENOSPC' },
    });
    expect(await rejectionOf(domain.write('data/long', 'x'.repeat(longest + 1)))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { expected: 'a path and a value of at most 4080 bytes', found: '4081 bytes' },
    });
  });

  it('supports transactions', async () => {
    const { dom0, domain } = await atHome();
    await domain.transaction(async (tx) => {
      await domain.write('data/a', '1', tx);
      await domain.write('data/b', '2', tx);
      expect(await dom0.directory(`${HOME}/data`)).toEqual([]);
    });
    expect(await dom0.directory(`${HOME}/data`)).toEqual(['a', 'b']);
  });

  it('ends when its device ends', async () => {
    const { dom0, domain } = await atHome();
    await domain.write('data/a', '1');
    await stage.xenstored.release(7);
    expect(await domain.closed).toMatchObject({
      code: 'XENSTORE_GONE',
      message: 'the connection to xenstore was lost',
      details: { found: expect.stringMatching(/^the device ended \('cat' with status \d\)$/) },
    });
    expect(await rejectionOf(domain.read('data/a'))).toMatchObject({ code: 'XENSTORE_GONE' });
    // The nodes of a domain are removed with it.
    expect(await dom0.read(`${HOME}/data`)).toBeUndefined();
  });

  it('leaves no child process behind when it is closed', async () => {
    const { domain } = await atHome();
    await domain.write('data/a', '1');
    expect(children()).toContain('cat');
    await domain.close();
    expect(children()).not.toContain('cat');
    expect(await domain.closed).toBeUndefined();
  });

  it('cannot connect without a socket or a character device', async () => {
    expect(await rejectionOf(XenstoreClient.connect({ path: '/nowhere/xenbus' }))).toMatchObject({
      code: 'XENSTORE_UNREACHABLE',
      details: { where: '/nowhere/xenbus', found: 'ENOENT' },
    });
    expect(await rejectionOf(XenstoreClient.connect({ path: '/etc/passwd' }))).toMatchObject({
      code: 'XENSTORE_UNREACHABLE',
      details: { found: 'neither a socket nor a character device' },
    });
  });
});
