/** Closing a state that QEMU still writes: QEMU must finish, because it serves no commands before that. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { CapturedState } from '../../../../src/qemu/capture/captured-state.js';
import { qemuCompletion } from '../../../support/capture/completion.js';
import { PushedSource } from '../../../support/capture/pushed-source.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

function captured(cancel?: () => Promise<void>, onStuck?: () => Promise<void>) {
  const [pipe, completion] = [new PushedSource(), qemuCompletion()];
  const options = { where: '/run/state.fifo', stallMs: 5_000, ...(cancel && { cancel }), ...(onStuck && { onStuck }) };
  return { pipe, completion, state: new CapturedState(pipe, completion.promise, options) };
}

describe('CapturedState.close()', () => {
  const time = passingTime();

  it('discards what QEMU still writes, and waits for its reply', async () => {
    const { pipe, completion, state } = captured();
    const closing = state.close();
    pipe.push(sampleState(1_000_000));
    await until(() => pipe.taken === 1_000_000);
    expect(await isPending(closing)).toBe(true);
    expect(pipe.closed).toBe(0);
    pipe.end();
    await settled(5);
    expect(await isPending(closing)).toBe(true);
    completion.done();
    await closing;
    expect(pipe.closed).toBe(1);
  });

  it('accepts an error reply as well as success', async () => {
    const { pipe, completion, state } = captured();
    const closing = state.close();
    pipe.push('sta');
    completion.refuse(new StubferryError('QEMU_REFUSED', 'no'));
    await expect(closing).resolves.toBeUndefined();
    expect(pipe.closed).toBe(1);
  });

  it('does not wait when QEMU has replied', async () => {
    const { pipe, completion, state } = captured();
    completion.done();
    await settled(5);
    await state.close();
    expect(pipe).toMatchObject({ taken: 0, closed: 1 });
  });

  it('rejects a pending read', async () => {
    const { completion, state } = captured();
    const read = state.read(new Uint8Array(10));
    const closing = state.close();
    await expect(read).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'the source was closed',
      details: { where: '/run/state.fifo' },
    });
    completion.done();
    await closing;
  });

  it('leaves no timer behind, even during a read', async () => {
    time.stop();
    const { pipe, completion, state } = captured();
    const read = state.read(new Uint8Array(10));
    read.catch(() => undefined);
    const closing = state.close();
    pipe.push('state');
    await settled(5);
    completion.done();
    await closing;
    await settled(5);
    expect(time.waiting()).toBe(0);
  });

  it('waits at most 10 s for a QEMU that does not finish', async () => {
    time.stop();
    const { pipe, state } = captured();
    const closing = state.close();
    await time.pass(9_999);
    expect(await isPending(closing)).toBe(true);
    await time.pass(1);
    await closing;
    expect(pipe.closed).toBe(1);
  });

  it('calls onStuck before it closes the reading end when QEMU does not finish', async () => {
    time.stop();
    const calls: number[] = [];
    const { pipe, state } = captured(undefined, async () => void calls.push(pipe.closed));
    const closing = state.close();
    await time.pass(10_000);
    await closing;
    expect(calls).toEqual([0]);
    expect(pipe.closed).toBe(1);
  });

  it('does not call onStuck when QEMU finishes', async () => {
    const calls: number[] = [];
    const { completion, state } = captured(undefined, async () => void calls.push(0));
    const closing = state.close();
    completion.done();
    await closing;
    expect(calls).toEqual([]);
  });

  it('cancels the save when it can', async () => {
    let cancelled = 0;
    const { pipe, completion, state } = captured(async () => {
      cancelled += 1;
      completion.refuse(new StubferryError('QEMU_REFUSED', "QEMU's migration cancelled"));
    });
    pipe.push('sta');
    await state.close();
    expect(cancelled).toBe(1);
    expect(pipe.closed).toBe(1);
  });

  it('does not cancel a completed save', async () => {
    let cancelled = 0;
    const { completion, state } = captured(async () => {
      cancelled += 1;
    });
    completion.done();
    await settled(5);
    await state.close();
    expect(cancelled).toBe(0);
  });

  it("waits for QEMU's reply when the cancellation fails", async () => {
    const { completion, state } = captured(() => Promise.reject(new Error('nothing to cancel')));
    const closing = state.close();
    await settled(5);
    expect(await isPending(closing)).toBe(true);
    completion.done();
    await closing;
  });
});
