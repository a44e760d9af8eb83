/** A captured state ends with both the end of the file and QEMU's success reply, in any order. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { CapturedState } from '../../../../src/qemu/capture/captured-state.js';
import { type Completion, qemuCompletion } from '../../../support/capture/completion.js';
import { PushedSource } from '../../../support/capture/pushed-source.js';
import { allOf } from '../../../support/io/all-of.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { isPending, settled } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const STALL_MS = 5_000;
const REFUSED = new StubferryError('QEMU_REFUSED', "QEMU refused 'xen-save-devices-state': no");

interface Capture {
  readonly pipe: PushedSource;
  readonly completion: Completion;
  readonly state: CapturedState;
}

function captured(): Capture {
  const [pipe, completion] = [new PushedSource(), qemuCompletion()];
  return {
    pipe,
    completion,
    state: new CapturedState(pipe, completion.promise, { where: '/run/state.fifo', stallMs: STALL_MS }),
  };
}

/** Starts to read the whole state. */
function reading({ state }: Capture): Promise<Buffer> {
  const all = allOf(state);
  all.catch(() => undefined);
  return all;
}

const STALLED = {
  code: 'QMP_TIMEOUT',
  message: 'QEMU does not write its state',
  details: {
    where: '/run/state.fifo',
    expected: 'a byte or a reply within 5000 ms',
    found: 'neither',
  },
};

const ELSEWHERE = {
  code: 'CAPTURE_LOST',
  message: 'QEMU reports a complete save, but the end of the state did not arrive',
  details: {
    where: '/run/state.fifo',
    expected: 'the end of the state before the reply or soon after it',
    found: 'only the reply',
  },
};

describe('CapturedState', () => {
  const time = passingTime();

  it('ends when the file has ended and then QEMU reports success', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.push('state');
    capture.pipe.end();
    await settled(5);
    expect(await isPending(all)).toBe(true);
    capture.completion.done();
    expect((await all).toString()).toBe('state');
  });

  it('ends when QEMU has reported success and then the file ends', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.completion.done();
    capture.pipe.push(sampleState(300_000));
    await settled(5);
    expect(await isPending(all)).toBe(true);
    capture.pipe.end();
    expect((await all).equals(sampleState(300_000))).toBe(true);
  });

  it('ends when both have happened before the first read', async () => {
    const capture = captured();
    capture.pipe.push('state');
    capture.pipe.end();
    capture.completion.done();
    await settled(5);
    expect((await reading(capture)).toString()).toBe('state');
  });

  it('stays at its end after the end', async () => {
    const capture = captured();
    capture.pipe.end();
    capture.completion.done();
    await reading(capture);
    await expect(capture.state.read(new Uint8Array(1))).resolves.toBe(0);
  });

  it('may be empty when QEMU reports success', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.end();
    capture.completion.done();
    expect(await all).toHaveLength(0);
  });

  it.each([
    ['before any byte', '', false],
    ['in the middle', 'sta', false],
    ['after all bytes', 'state', false],
    ['after all bytes and the end of the file', 'state', true],
  ])("rejects with QEMU's error when QEMU refuses %s", async (_when, bytes, ended) => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.push(bytes);
    if (ended) capture.pipe.end();
    await settled(5);
    capture.completion.refuse(REFUSED);
    await expect(all).rejects.toBe(REFUSED);
  });

  it("rejects with QEMU's error even when no byte was read yet", async () => {
    const capture = captured();
    capture.pipe.push('state');
    capture.pipe.end();
    capture.completion.refuse(REFUSED);
    await settled(5);
    await expect(reading(capture)).rejects.toBe(REFUSED);
    await expect(capture.state.read(new Uint8Array(1))).rejects.toBe(REFUSED);
  });

  it('rejects when the file cannot be read', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.fail(new StubferryError('INPUT_UNREADABLE', 'EIO'));
    await expect(all).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });

  it('rejects with QMP_TIMEOUT when QEMU writes nothing', async () => {
    time.stop();
    const all = reading(captured());
    await time.pass(STALL_MS - 1);
    expect(await isPending(all)).toBe(true);
    await time.pass(1);
    await expect(all).rejects.toMatchObject(STALLED);
  });

  it('rejects with QMP_TIMEOUT when QEMU stops writing, counted from the last byte', async () => {
    time.stop();
    const capture = captured();
    const all = reading(capture);
    await time.pass(STALL_MS - 1);
    capture.pipe.push('a byte');
    await settled(5);
    await time.pass(STALL_MS - 1);
    expect(await isPending(all)).toBe(true);
    await time.pass(1);
    await expect(all).rejects.toMatchObject(STALLED);
  });

  it('rejects with QMP_TIMEOUT when the file ends without a reply of QEMU', async () => {
    time.stop();
    const capture = captured();
    const all = reading(capture);
    capture.pipe.push('state');
    capture.pipe.end();
    await settled(5);
    await time.pass(STALL_MS);
    await expect(all).rejects.toMatchObject(STALLED);
  });

  it('stays failed after a stall, even when QEMU continues', async () => {
    time.stop();
    const capture = captured();
    const all = reading(capture);
    await time.pass(STALL_MS);
    await expect(all).rejects.toMatchObject(STALLED);
    capture.pipe.push('late');
    capture.pipe.end();
    capture.completion.done();
    await settled(5);
    await expect(capture.state.read(new Uint8Array(1))).rejects.toMatchObject(STALLED);
  });

  it('does not count the time between reads as a stall of QEMU', async () => {
    time.stop();
    const capture = captured();
    const buffer = new Uint8Array(4);
    capture.pipe.push('some');
    await capture.state.read(buffer);
    expect(time.waiting()).toBe(0);
    capture.pipe.push('more');
    await settled(5);
    await expect(capture.state.read(buffer)).resolves.toBe(4);
    expect(time.waiting()).toBe(0);
    capture.pipe.end();
    capture.completion.done();
    await expect(capture.state.read(buffer)).resolves.toBe(0);
  });

  it('does not count the time before a read as lost when QEMU is done', async () => {
    time.stop();
    const capture = captured();
    capture.pipe.push('state');
    capture.pipe.end();
    capture.completion.done();
    await settled(5);
    expect(time.waiting()).toBe(0);
    expect((await reading(capture)).toString()).toBe('state');
    expect(time.waiting()).toBe(0);
  });

  it.each([
    ['before it is read', ''],
    ['while it is read', 'sta'],
  ])('rejects with CAPTURE_LOST when QEMU reports success and the file does not end: %s', async (_when, bytes) => {
    time.stop();
    const capture = captured();
    if (bytes === '') capture.completion.done();
    await settled(5);
    const all = reading(capture);
    capture.pipe.push(bytes);
    await settled(5);
    capture.completion.done();
    await settled(5);
    await time.pass(1_999);
    expect(await isPending(all)).toBe(true);
    await time.pass(1);
    await expect(all).rejects.toMatchObject(ELSEWHERE);
  });
});
