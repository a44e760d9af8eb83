/** Resumes a guest that a killed agent has stopped. */
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { resumeGuest } from '../../../../src/qemu/index.js';
import { makeFifo } from '../../../support/io/fifo.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { GREETING, Refusal } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';
import { sampleState } from '../../../support/statefile/written-statefile.js';

const STILL_STOPPED = {
  code: 'QEMU_GONE',
  message: 'cannot resume the guest that was stopped for the save',
};

describe('resumeGuest', () => {
  const { scratch, qemu: startQemu } = stage();

  /** Creates the directory of an agent with a FIFO in a subdirectory. Returns the path of the FIFO. */
  function agentFifo(): string {
    mkdirSync(scratch('agent/stubferry-qemu-x'), { recursive: true });
    return makeFifo(scratch('agent/stubferry-qemu-x/state.1.1.fifo'));
  }

  it('sends the command to QEMU and disconnects', async () => {
    const qemu = await startQemu({ cont: () => ({}) });
    agentFifo();
    const before = openResources();
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont']);
    await until(() => qemu.present === 0);
    await until(() => leftSince(before).length === 0);
  });

  it('works without a FIFO', async () => {
    const qemu = await startQemu({ cont: () => ({}) });
    mkdirSync(scratch('agent'));
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont']);
  });

  it('works when the directory of the agent does not exist', async () => {
    const qemu = await startQemu({ cont: () => ({}) });
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont']);
  });

  it.each([
    ['a little', 100],
    ['more than a pipe holds', 3_000_000],
  ])(
    'unblocks a QEMU that waits for a reader of its FIFO and writes %s before it serves its monitor',
    async (_what, length) => {
      const fifo = agentFifo();
      const qemu = await startQemu({ cont: () => ({}) }, { greeting: '' });
      const written = writeFile(fifo, sampleState(length)).then(
        () => qemu.send(GREETING),
        () => qemu.send(GREETING),
      );
      await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
      await written;
      expect(qemu.names).toEqual(['cont']);
    },
  );

  it('retries when QEMU refuses the command', async () => {
    const replies = [new Refusal('not now'), {}];
    const qemu = await startQemu({ cont: () => replies.shift() });
    mkdirSync(scratch('agent'));
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont', 'cont']);
  });

  it('returns an error with a hint when QEMU refuses the command for 15 s', async () => {
    const since = performance.now.bind(performance);
    let ahead = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => since() + ahead);
    await startQemu({
      cont: () => {
        ahead = 15_000;
        return new Refusal('no');
      },
    });
    agentFifo();
    const before = openResources();
    const failure = await resumeGuest(scratch('qmp.sock'), scratch('agent'));
    jest.restoreAllMocks();
    expect(failure).toMatchObject({ ...STILL_STOPPED, cause: { code: 'QEMU_REFUSED' } });
    await until(() => leftSince(before).length === 0);
  });

  it('returns an error immediately when QEMU has exited', async () => {
    agentFifo();
    const failure = await resumeGuest(scratch('qmp.sock'), scratch('agent'));
    expect(failure).toMatchObject({
      ...STILL_STOPPED,
      details: { where: scratch('qmp.sock'), hint: expect.stringContaining("'cont'") },
      cause: { code: 'QMP_UNREACHABLE' },
    });
  });
});
