/** xenstored ends, stops replying, or restarts. */
import { expect, it } from '@jest/globals';
import { XenstoreClient } from '../../../../src/xen/xenstore/index.js';
import { describeWith } from '../../../support/blockdev-utils/as-root.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { xenstoreStage } from '../../../support/xenstore/stage.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

describeWith(XENSTORED, 'a connection to xenstored', () => {
  const stage = xenstoreStage();

  it('that is lost fails the pending requests, and reconnects for later ones', async () => {
    const store = await stage.dom0();
    await store.write('/test/a', '1');
    stage.xenstored.freeze();
    const reason = rejectionOf(store.read('/test/a'));
    await stage.xenstored.restart();
    expect(await reason).toMatchObject({
      code: 'XENSTORE_GONE',
      message: 'the connection to xenstore was lost',
      details: {
        where: stage.xenstored.socket,
      },
    });
    // The store of the new xenstored is empty.
    expect(await store.read('/test/a')).toBeUndefined();
    await store.write('/test/a', '2');
    expect(await store.read('/test/a')).toBe('2');
  });

  it('that is lost lets new requests wait until it is reconnected', async () => {
    const store = await stage.dom0();
    await stage.xenstored.kill();
    await settled();
    const read = store.read('/test/a');
    await settled();
    expect(await isPending(read)).toBe(true);
    await stage.xenstored.restart();
    expect(await read).toBeUndefined();
  });

  it('that is reconnected has the watches of the lost one, and each fires once', async () => {
    const store = await stage.dom0();
    const changed: string[] = [];
    await store.watch('/test/a', (path) => void changed.push(path));
    await store.watch('/test/b', (path) => void changed.push(path));
    const closed = await store.watch('/test/c', (path) => void changed.push(path));
    await until(() => changed.length === 3);
    await closed.close();
    changed.splice(0);
    await stage.xenstored.restart();
    await until(() => changed.length === 2);
    expect(changed.splice(0).sort()).toEqual(['/test/a', '/test/b']);
    await store.write('/test/a/x', '1');
    await store.write('/test/c/x', '1');
    await until(() => changed.length === 1);
    await store.read('/test');
    expect(changed).toEqual(['/test/a/x']);
  });

  it('that is lost ends its transactions', async () => {
    const store = await stage.dom0();
    const work = store.transaction(async (tx) => {
      await store.write('/test/a', '1', tx);
      await stage.xenstored.restart();
      await store.write('/test/b', '1', tx);
    });
    expect(await rejectionOf(work)).toMatchObject({ code: 'XENSTORE_GONE' });
    expect(await store.directory('/test')).toBeUndefined();
  });

  it('that cannot be reconnected ends the client', async () => {
    const store = await stage.dom0({ reconnectMs: 100 });
    await stage.xenstored.kill();
    expect(await store.closed).toMatchObject({ code: 'XENSTORE_GONE' });
    expect(await rejectionOf(store.read('/test'))).toMatchObject({ code: 'XENSTORE_GONE' });
    expect(await rejectionOf(store.watch('/test', () => undefined))).toMatchObject({ code: 'XENSTORE_GONE' });
  });

  it('counts as lost when no reply arrives within the limit', async () => {
    const store = await stage.dom0({ replyMs: 50 });
    stage.xenstored.freeze();
    expect(await rejectionOf(store.read('/test'))).toMatchObject({
      code: 'XENSTORE_TIMEOUT',
      message: 'xenstored did not reply to READ',
      details: { expected: 'a reply within 50 ms', found: 'none' },
    });
    stage.xenstored.thaw();
    expect(await store.read('/test')).toBeUndefined();
  });

  it('that is closed fails the pending requests and later ones', async () => {
    const store = await stage.dom0();
    stage.xenstored.freeze();
    const reason = rejectionOf(store.read('/test'));
    await store.close();
    expect(await reason).toMatchObject({ code: 'XENSTORE_GONE', message: 'the connection to xenstore was closed' });
    expect(await rejectionOf(store.read('/test'))).toMatchObject({ code: 'XENSTORE_GONE' });
    expect(await store.closed).toBeUndefined();
    await store.close();
  });

  it('can be closed while it is lost, and leaves no resource open', async () => {
    const before = openResources();
    const store = await stage.dom0();
    await stage.xenstored.kill();
    await settled();
    const reason = rejectionOf(store.read('/test'));
    await store.close();
    expect(await reason).toMatchObject({ code: 'XENSTORE_GONE', message: 'the connection to xenstore was closed' });
    expect(await store.closed).toBeUndefined();
    await until(() => leftSince(before).length === 0);
  });

  it('ends with the reason of an abort', async () => {
    const abort = new AbortController();
    const store = await stage.dom0({ signal: abort.signal });
    abort.abort(new Error('cancelled by the test'));
    expect(await store.closed).toMatchObject({ code: 'INTERNAL', message: 'cancelled by the test' });
    expect(await rejectionOf(store.read('/test'))).toMatchObject({ message: 'cancelled by the test' });
    const { signal } = abort;
    await expect(XenstoreClient.connect({ path: stage.xenstored.socket, signal })).rejects.toThrow(
      'cancelled by the test',
    );
  });

  it('cannot be opened when no xenstored listens', async () => {
    await stage.xenstored.kill();
    expect(await rejectionOf(stage.dom0())).toMatchObject({
      code: 'XENSTORE_UNREACHABLE',
      message: 'cannot connect to xenstore',
      details: { where: stage.xenstored.socket, found: 'ENOENT' },
    });
  });
});
