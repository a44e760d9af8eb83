/** A QEMU that is still writing when its state is not wanted any more: it has to come to its end, or it answers nobody again. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { CapturedState } from '../../../../src/qemu/capture/captured-state.js';
import { wordOfQemu } from '../../../support/capture/completion.js';
import { PushedSource } from '../../../support/capture/pushed-source.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

function captured(cancel?: () => Promise<void>, onStuck?: () => Promise<void>) {
  const [pipe, word] = [new PushedSource(), wordOfQemu()];
  const options = { where: '/run/state.fifo', stallMs: 5_000, ...(cancel && { cancel }), ...(onStuck && { onStuck }) };
  return { pipe, word, state: new CapturedState(pipe, word.promise, options) };
}

describe('CapturedState, closed', () => {
  const time = passingTime();

  it('takes what QEMU still writes, and waits for its word', async () => {
    const { pipe, word, state } = captured();
    const closing = state.close();
    pipe.push(sampleState(1_000_000));
    await until(() => pipe.taken === 1_000_000);
    expect(await isPending(closing)).toBe(true);
    expect(pipe.closed).toBe(0);
    pipe.end();
    await settled(5);
    expect(await isPending(closing)).toBe(true);
    word.done();
    await closing;
    expect(pipe.closed).toBe(1);
  });

  it('waits for a refusal as for consent', async () => {
    const { pipe, word, state } = captured();
    const closing = state.close();
    pipe.push('sta');
    word.refuse(new StubferryError('QEMU_REFUSED', 'no'));
    await expect(closing).resolves.toBeUndefined();
    expect(pipe.closed).toBe(1);
  });

  it('does not wait when QEMU has given its word', async () => {
    const { pipe, word, state } = captured();
    word.done();
    await settled(5);
    await state.close();
    expect(pipe).toMatchObject({ taken: 0, closed: 1 });
  });

  it('lets go of a read that waits', async () => {
    const { word, state } = captured();
    const read = state.read(new Uint8Array(10));
    const closing = state.close();
    await expect(read).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'the source was closed',
      details: { where: '/run/state.fifo' },
    });
    word.done();
    await closing;
  });

  it('leaves no timer behind, even when it was being read', async () => {
    time.stop();
    const { pipe, word, state } = captured();
    const read = state.read(new Uint8Array(10));
    read.catch(() => undefined);
    const closing = state.close();
    pipe.push('state');
    await settled(5);
    word.done();
    await closing;
    await settled(5);
    expect(time.waiting()).toBe(0);
  });

  it('waits 10 s for a QEMU that does not come to its end, and not longer', async () => {
    time.stop();
    const { pipe, state } = captured();
    const closing = state.close();
    await time.pass(9_999);
    expect(await isPending(closing)).toBe(true);
    await time.pass(1);
    await closing;
    expect(pipe.closed).toBe(1);
  });

  it('tells of a QEMU that does not come to its end before its reader goes', async () => {
    time.stop();
    const told: number[] = [];
    const { pipe, state } = captured(undefined, async () => void told.push(pipe.closed));
    const closing = state.close();
    await time.pass(10_000);
    await closing;
    expect(told).toEqual([0]);
    expect(pipe.closed).toBe(1);
  });

  it('tells of nothing when QEMU comes to its end', async () => {
    const told: number[] = [];
    const { word, state } = captured(undefined, async () => void told.push(0));
    const closing = state.close();
    word.done();
    await closing;
    expect(told).toEqual([]);
  });

  it('has QEMU give up, where it can', async () => {
    let cancelled = 0;
    const { pipe, word, state } = captured(async () => {
      cancelled += 1;
      word.refuse(new StubferryError('QEMU_REFUSED', "QEMU's migration cancelled"));
    });
    pipe.push('sta');
    await state.close();
    expect(cancelled).toBe(1);
    expect(pipe.closed).toBe(1);
  });

  it('does not have QEMU give up what it has done', async () => {
    let cancelled = 0;
    const { word, state } = captured(async () => {
      cancelled += 1;
    });
    word.done();
    await settled(5);
    await state.close();
    expect(cancelled).toBe(0);
  });

  it('waits for the word of a QEMU that cannot give up any more', async () => {
    const { word, state } = captured(() => Promise.reject(new Error('nothing to cancel')));
    const closing = state.close();
    await settled(5);
    expect(await isPending(closing)).toBe(true);
    word.done();
    await closing;
  });
});
