/** Transactions, tested with the real xenstored. */
import { expect, it } from '@jest/globals';
import { describeWith } from '../../../support/blockdev-utils/as-root.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { xenstoreStage } from '../../../support/xenstore/stage.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

describeWith(XENSTORED, 'a transaction', () => {
  const stage = xenstoreStage();

  it('becomes visible to others atomically, and returns the result of its work', async () => {
    const [store, other] = [await stage.dom0(), await stage.dom0()];
    const result = await store.transaction(async (tx) => {
      await store.write('/test/a', '1', tx);
      await store.mkdir('/test/b', tx);
      await store.setPermissions('/test/b', { owner: stage.peers[0], domains: [] }, tx);
      expect(await store.directory('/test', tx)).toEqual(['a', 'b']);
      expect(await other.directory('/test')).toBeUndefined();
      return 'done';
    });
    expect(result).toBe('done');
    expect(await other.directory('/test')).toEqual(['a', 'b']);
    expect(await other.permissions('/test/b')).toMatchObject({ owner: stage.peers[0] });
  });

  it('changes nothing when its work throws', async () => {
    const store = await stage.dom0();
    const work = store.transaction(async (tx) => {
      await store.write('/test/a', '1', tx);
      throw new RangeError('changed my mind');
    });
    await expect(work).rejects.toThrow(new RangeError('changed my mind'));
    expect(await store.read('/test/a')).toBeUndefined();
  });

  it('runs again when others changed what it has read', async () => {
    const [store, other] = [await stage.dom0(), await stage.dom0()];
    await store.write('/test/counter', '5');
    let attempts = 0;
    await store.transaction(async (tx) => {
      attempts += 1;
      const counter = Number(await store.read('/test/counter', tx));
      if (attempts === 1) await other.write('/test/counter', '10');
      await store.write('/test/counter', `${counter + 1}`, tx);
    });
    expect(attempts).toBe(2);
    expect(await store.read('/test/counter')).toBe('11');
  });

  it('loses no change among many at the same node', async () => {
    const stores = [await stage.dom0(), await stage.dom0(), await stage.dom0()];
    await stores[0]?.write('/test/counter', '0');
    await Promise.all(
      stores.map(async (store) => {
        for (let round = 0; round < 10; round += 1) {
          await store.transaction(async (tx) => {
            const counter = Number(await store.read('/test/counter', tx));
            await store.write('/test/counter', `${counter + 1}`, tx);
          });
        }
      }),
    );
    expect(await stores[0]?.read('/test/counter')).toBe('30');
  });

  it('fails after 12 attempts when others always commit first', async () => {
    const [store, other] = [await stage.dom0(), await stage.dom0()];
    let attempts = 0;
    const work = store.transaction(async (tx) => {
      attempts += 1;
      await store.read('/test/a', tx);
      await other.write('/test/a', `${attempts}`);
      await store.write('/test/a', 'mine', tx);
    });
    expect(await rejectionOf(work)).toMatchObject({
      code: 'XENSTORE_CONFLICT',
      message: 'a transaction conflicted with other writers in every attempt',
      details: { expected: 'no changes by others in one of 12 attempts', found: 'changes in each attempt (EAGAIN)' },
    });
    expect(attempts).toBe(12);
    expect(await store.read('/test/a')).toBe('12');
  });

  it('cannot be used after its end, because xenstored may reuse its number', async () => {
    const store = await stage.dom0();
    const tx = await store.transaction(async (tx) => tx);
    await expect(store.read('/test', tx)).rejects.toThrow('READ in a transaction that has ended');
  });
});
