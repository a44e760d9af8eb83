/** Watches, tested with the real xenstored. */
import { expect, it } from '@jest/globals';
import { describeWith } from '../../../support/blockdev-utils/as-root.js';
import { until } from '../../../support/qmp/until.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { xenstoreStage } from '../../../support/xenstore/stage.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

describeWith(XENSTORED, 'a watch', () => {
  const stage = xenstoreStage();

  it('fires once when it is set, whether the node exists or not', async () => {
    const store = await stage.dom0();
    const changed: string[] = [];
    await store.watch('/test/a', (path) => void changed.push(path));
    await until(() => changed.length > 0);
    expect(changed).toEqual(['/test/a']);
  });

  it('reports writes, new nodes below, permission changes and removals of any client', async () => {
    const [store, other] = [await stage.dom0(), await stage.dom0()];
    const changed: string[] = [];
    await store.watch('/test/a', (path) => void changed.push(path));
    const expectEvent = async (path: string): Promise<void> => {
      await until(() => changed.includes(path));
      changed.splice(0);
    };
    await expectEvent('/test/a');
    await other.write('/test/a', '1');
    await expectEvent('/test/a');
    await other.write('/test/a/b/c', '1');
    await expectEvent('/test/a/b/c');
    await other.setPermissions('/test/a/b', { owner: stage.peers[0], domains: [] });
    await expectEvent('/test/a/b');
    await other.remove('/test');
    await expectEvent('/test/a');
  });

  it('reports nothing of a transaction before its commit', async () => {
    const store = await stage.dom0();
    const changed: string[] = [];
    await store.watch('/test', (path) => void changed.push(path));
    await until(() => changed.length === 1);
    await store.transaction(async (tx) => {
      await store.write('/test/a', '1', tx);
      await store.write('/test/b', '1', tx);
      // The event of a write outside of the transaction would have arrived by now, because it precedes this reply.
      await store.read('/test');
      expect(changed).toEqual(['/test']);
    });
    await until(() => changed.includes('/test/a') && changed.includes('/test/b'));
  });

  it('reports nothing after it was closed', async () => {
    const store = await stage.dom0();
    const changed: string[] = [];
    const closed = await store.watch('/test', (path) => void changed.push(`closed ${path}`));
    await store.watch('/test', (path) => void changed.push(path));
    await until(() => changed.length === 2);
    changed.splice(0);
    await closed.close();
    await store.write('/test/a', '1');
    await until(() => changed.includes('/test/a'));
    expect(changed.filter((path) => path.startsWith('closed'))).toEqual([]);
    await closed.close();
  });

  it('works beside many others on the same node', async () => {
    const store = await stage.dom0();
    const seen = new Set<number>();
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.watch('/test', () => void seen.add(index))));
    await until(() => seen.size === 50);
  });

  it('calls its handler once at a time, and reports each path that changed meanwhile once', async () => {
    const [store, other] = [await stage.dom0(), await stage.dom0()];
    const changed: string[] = [];
    let finishHandler = (): void => undefined;
    await store.watch('/test', async (path) => {
      changed.push(path);
      await new Promise<void>((resolve) => {
        finishHandler = resolve;
      });
    });
    await until(() => changed.length === 1);
    for (let round = 0; round < 100; round += 1) await other.write('/test/a', `${round}`);
    // Their events arrive before the reply to a later request.
    await store.read('/test/a');
    expect(changed).toEqual(['/test']);
    finishHandler();
    await until(() => changed.length === 2);
    finishHandler();
    await other.write('/test/b', '1');
    await until(() => changed.length === 3);
    expect(changed).toEqual(['/test', '/test/a', '/test/b']);
    finishHandler();
  });

  it('reports introduced and released domains', async () => {
    const store = await stage.dom0();
    const changed: string[] = [];
    await store.watch('@introduceDomain', (path) => void changed.push(path));
    await store.watch('@releaseDomain', (path) => void changed.push(path));
    await until(() => changed.length === 2);
    changed.splice(0);
    await stage.xenstored.introduce(9);
    await until(() => changed.includes('@introduceDomain'));
    await stage.xenstored.release(9);
    await until(() => changed.includes('@releaseDomain'));
  });

  it('ends the client when its handler throws, with that error', async () => {
    const store = await stage.dom0();
    await store.watch('/test', () => {
      throw new RangeError('a fault of the handler');
    });
    expect(await store.closed).toMatchObject({ code: 'INTERNAL', message: 'a fault of the handler' });
    expect(await rejectionOf(store.read('/test'))).toMatchObject({ code: 'INTERNAL' });
  });

  it('is rejected for an invalid path', async () => {
    const store = await stage.dom0();
    expect(await rejectionOf(store.watch('/test/', () => undefined))).toMatchObject({ code: 'XENSTORE_INVALID' });
    expect(await rejectionOf(store.watch('@nothing/', () => undefined))).toMatchObject({ code: 'XENSTORE_INVALID' });
  });
});
