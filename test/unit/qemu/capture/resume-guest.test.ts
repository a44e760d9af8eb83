/** A guest that an agent stopped, and the agent was killed: the guest goes on. */
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
  message: 'the guest that was stopped for the save could not be let go on',
};

describe('resumeGuest', () => {
  const { scratch, qemu: startQemu } = stage();

  /** The folder of an agent, with a FIFO in a folder in it; the path of that. */
  function agentFifo(): string {
    mkdirSync(scratch('agent/stubferry-qemu-x'), { recursive: true });
    return makeFifo(scratch('agent/stubferry-qemu-x/state.1.1.fifo'));
  }

  it('gives QEMU the command, and lets go of it', async () => {
    const qemu = await startQemu({ cont: () => ({}) });
    agentFifo();
    const before = openResources();
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont']);
    await until(() => qemu.present === 0);
    await until(() => leftSince(before).length === 0);
  });

  it('does so without any FIFO', async () => {
    const qemu = await startQemu({ cont: () => ({}) });
    mkdirSync(scratch('agent'));
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont']);
  });

  it('does so when the folder of the agent is gone', async () => {
    const qemu = await startQemu({ cont: () => ({}) });
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont']);
  });

  it.each([
    ['a little', 100],
    ['more than a pipe holds', 3_000_000],
  ])(
    'frees a QEMU that waits for a reader of its FIFO, and writes %s before it looks at its monitor',
    async (_what, length) => {
      const fifo = agentFifo();
      const qemu = await startQemu({ cont: () => ({}) }, { greeting: '' });
      const written = writeFile(fifo, sampleState(length)).then(
        () => qemu.say(GREETING),
        () => qemu.say(GREETING),
      );
      await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
      await written;
      expect(qemu.names).toEqual(['cont']);
    },
  );

  it('tries again when QEMU does not take the command yet', async () => {
    const answers = [new Refusal('not now'), {}];
    const qemu = await startQemu({ cont: () => answers.shift() });
    mkdirSync(scratch('agent'));
    await expect(resumeGuest(scratch('qmp.sock'), scratch('agent'))).resolves.toBeUndefined();
    expect(qemu.names).toEqual(['cont', 'cont']);
  });

  it('says what to do by hand when QEMU does not take it within 15 s', async () => {
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

  it('says so at once when QEMU is not there any more', async () => {
    agentFifo();
    const failure = await resumeGuest(scratch('qmp.sock'), scratch('agent'));
    expect(failure).toMatchObject({
      ...STILL_STOPPED,
      details: { where: scratch('qmp.sock'), hint: "if QEMU still runs, give it the command 'cont' by hand" },
      cause: { code: 'QMP_UNREACHABLE' },
    });
  });
});
