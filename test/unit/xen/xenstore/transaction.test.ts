/** Transactions, against the real xenstored. */
import { expect, it } from '@jest/globals';
import { describeWith } from '../../../support/blockdev-utils/as-root.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { xenstoreStage } from '../../../support/xenstore/stage.js';
import { XENSTORED } from '../../../support/xenstore/xenstored.js';

describeWith(XENSTORED, 'a transaction', () => {
  const stage = xenstoreStage();

  it('is seen by others as a whole, and gives what its work returns', async () => {
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

  it('leaves nothing when its work throws', async () => {
    const store = await stage.dom0();
    const work = store.transaction(async (tx) => {
      await store.write('/test/a', '1', tx);
      throw new RangeError('changed my mind');
    });
    await expect(work).rejects.toThrow(new RangeError('changed my mind'));
    expect(await store.read('/test/a')).toBeUndefined();
  });

  it('is done again when others changed what it read', async () => {
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

  it('among many at the same node loses no change', async () => {
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

  it('that others are always ahead of is given up after 12 attempts', async () => {
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
      message: 'a transaction was never the first to change what it changes',
      details: { expected: 'no changes by others in one of 12 attempts', found: 'some in each (EAGAIN)' },
    });
    expect(attempts).toBe(12);
    expect(await store.read('/test/a')).toBe('12');
  });

  it('that is over is not used any more: xenstored may give its number to another', async () => {
    const store = await stage.dom0();
    const tx = await store.transaction(async (tx) => tx);
    await expect(store.read('/test', tx)).rejects.toThrow('READ in a transaction that is over');
  });
});
