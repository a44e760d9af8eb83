/** The end of a captured state: the end of the file and QEMU's word, both, in whatever order they come. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { CapturedState } from '../../../../src/qemu/capture/captured-state.js';
import { type Word, wordOfQemu } from '../../../support/capture/completion.js';
import { PushedSource } from '../../../support/capture/pushed-source.js';
import { allOf } from '../../../support/io/all-of.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { isPending, settled } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const STALL_MS = 5_000;
const REFUSED = new StubferryError('QEMU_REFUSED', "QEMU refused 'xen-save-devices-state': no");

interface Capture {
  readonly pipe: PushedSource;
  readonly word: Word;
  readonly state: CapturedState;
}

function captured(): Capture {
  const [pipe, word] = [new PushedSource(), wordOfQemu()];
  return { pipe, word, state: new CapturedState(pipe, word.promise, { where: '/run/state.fifo', stallMs: STALL_MS }) };
}

/** Starts to read all of it. */
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
    expected: 'a byte, or its reply, within 5000 ms',
    found: 'neither',
    hint: 'its main loop is busy or stuck: look at its log, and at the storage of the guest',
  },
};

const ELSEWHERE = {
  code: 'CAPTURE_LOST',
  message: 'QEMU says that it has saved, but its state did not come to its end here',
  details: {
    where: '/run/state.fifo',
    expected: 'the end of the state, before the reply or soon after it',
    found: 'the reply alone',
    hint: 'was the FIFO removed or replaced? Save again',
  },
};

describe('CapturedState', () => {
  const time = passingTime();

  it('is at its end when the file is, and QEMU has said so after that', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.push('state');
    capture.pipe.end();
    await settled(5);
    expect(await isPending(all)).toBe(true);
    capture.word.done();
    expect((await all).toString()).toBe('state');
  });

  it('is at its end when QEMU has said so, and the file is after that', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.word.done();
    capture.pipe.push(sampleState(300_000));
    await settled(5);
    expect(await isPending(all)).toBe(true);
    capture.pipe.end();
    expect((await all).equals(sampleState(300_000))).toBe(true);
  });

  it('is at its end when both came before it was read', async () => {
    const capture = captured();
    capture.pipe.push('state');
    capture.pipe.end();
    capture.word.done();
    await settled(5);
    expect((await reading(capture)).toString()).toBe('state');
  });

  it('stays at its end', async () => {
    const capture = captured();
    capture.pipe.end();
    capture.word.done();
    await reading(capture);
    await expect(capture.state.read(new Uint8Array(1))).resolves.toBe(0);
  });

  it('may be empty, when QEMU says that this is all', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.end();
    capture.word.done();
    expect(await all).toHaveLength(0);
  });

  it.each([
    ['before any byte', '', false],
    ['in the middle', 'sta', false],
    ['after all bytes', 'state', false],
    ['after all bytes and the end of the file', 'state', true],
  ])('has no end when QEMU refuses %s: its error comes instead', async (_when, bytes, ended) => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.push(bytes);
    if (ended) capture.pipe.end();
    await settled(5);
    capture.word.refuse(REFUSED);
    await expect(all).rejects.toBe(REFUSED);
  });

  it('fails with the refusal of QEMU even when all bytes still wait to be read', async () => {
    const capture = captured();
    capture.pipe.push('state');
    capture.pipe.end();
    capture.word.refuse(REFUSED);
    await settled(5);
    await expect(reading(capture)).rejects.toBe(REFUSED);
    await expect(capture.state.read(new Uint8Array(1))).rejects.toBe(REFUSED);
  });

  it('fails when the file cannot be read', async () => {
    const capture = captured();
    const all = reading(capture);
    capture.pipe.fail(new StubferryError('INPUT_UNREADABLE', 'EIO'));
    await expect(all).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });

  it('that does not come at all is QMP_TIMEOUT', async () => {
    time.stop();
    const all = reading(captured());
    await time.pass(STALL_MS - 1);
    expect(await isPending(all)).toBe(true);
    await time.pass(1);
    await expect(all).rejects.toMatchObject(STALLED);
  });

  it('that stops coming is QMP_TIMEOUT, counted from the last byte', async () => {
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

  it('whose file ends without a word of QEMU is QMP_TIMEOUT', async () => {
    time.stop();
    const capture = captured();
    const all = reading(capture);
    capture.pipe.push('state');
    capture.pipe.end();
    await settled(5);
    await time.pass(STALL_MS);
    await expect(all).rejects.toMatchObject(STALLED);
  });

  it('stays failed after a stall, whatever comes then', async () => {
    time.stop();
    const capture = captured();
    const all = reading(capture);
    await time.pass(STALL_MS);
    await expect(all).rejects.toMatchObject(STALLED);
    capture.pipe.push('late');
    capture.pipe.end();
    capture.word.done();
    await settled(5);
    await expect(capture.state.read(new Uint8Array(1))).rejects.toMatchObject(STALLED);
  });

  it('that nobody reads for long is not taken for a stall of QEMU', async () => {
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
    capture.word.done();
    await expect(capture.state.read(buffer)).resolves.toBe(0);
  });

  it('that nobody reads for long is not taken for lost when QEMU is done', async () => {
    time.stop();
    const capture = captured();
    capture.pipe.push('state');
    capture.pipe.end();
    capture.word.done();
    await settled(5);
    expect(time.waiting()).toBe(0);
    expect((await reading(capture)).toString()).toBe('state');
    expect(time.waiting()).toBe(0);
  });

  it.each([
    ['before it is read', ''],
    ['while it is read', 'sta'],
  ])('of which QEMU says that it is done, and whose end does not come, is CAPTURE_LOST: %s', async (_when, bytes) => {
    time.stop();
    const capture = captured();
    if (bytes === '') capture.word.done();
    await settled(5);
    const all = reading(capture);
    capture.pipe.push(bytes);
    await settled(5);
    capture.word.done();
    await settled(5);
    await time.pass(1_999);
    expect(await isPending(all)).toBe(true);
    await time.pass(1);
    await expect(all).rejects.toMatchObject(ELSEWHERE);
  });
});
