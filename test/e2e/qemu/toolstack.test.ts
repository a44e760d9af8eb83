/**
 * The toolstack of these tests against QEMU itself: it receives what libxl receives, and its disconnects harm nothing.
 */
import { expect, it } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { useScratch } from '../../support/cli/scratch.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { FIRST_ID, failureOf, Toolstack } from '../../support/qemu/toolstack.js';

describeWith([A_QEMU], 'a toolstack', () => {
  const scratch = useScratch();
  const start = async (): Promise<Machine> => {
    const machine = await startMachine({ folder: scratch.folder, name: 'guest', machine: ['-machine', 'pc'] });
    await machine.untilCounting();
    return machine;
  };

  it.each([true, false])('saves as libxl does, live: %s', async (live) => {
    const machine = await start();
    const operations = await new Toolstack(machine.qmpPath).save({ live, filename: scratch.path('state') });
    expect(operations.map(failureOf)).toEqual(operations.map(() => undefined));
    const save = operations[live ? 2 : 1];
    expect(save?.sent).toEqual([
      `{"execute":"qmp_capabilities","id":${FIRST_ID + 1}}\r\n`,
      `{"execute":"stop","id":${FIRST_ID}}\r\n`,
      `{"execute":"xen-save-devices-state","id":${FIRST_ID + 2},` +
        `"arguments":{"live":${live},"filename":"${scratch.path('state')}"}}\r\n`,
    ]);
    expect(save?.replies).toEqual([FIRST_ID + 1, FIRST_ID, FIRST_ID + 2].map((id) => ({ return: {}, id })));
    expect(save?.greeting?.QMP?.version.qemu).toMatchObject({ major: 7, minor: 2 });
    expect(save?.events.map(({ event }) => event)).toEqual(['STOP']);
    expect((await scratch.bytes('state')).subarray(0, 8).toString('latin1')).toBe('QEVM\0\0\0\x03');
    expect(await machine.runState()).toBe('paused');
  });

  it('receives the error of a failed save, and resumes the guest', async () => {
    const machine = await start();
    const operations = await new Toolstack(machine.qmpPath).save();
    expect(operations.map(failureOf)).toEqual([
      undefined,
      undefined,
      'Unable to open /dev/fdset/1: No such file or directory',
      undefined,
      undefined,
    ]);
    expect(await machine.runState()).toBe('running');
    await machine.untilCounting();
  });

  it('may write byte by byte', async () => {
    const machine = await start();
    const operation = await new Toolstack(machine.qmpPath, { chunkBytes: 1 }).queryCpus();
    expect(failureOf(operation)).toBeUndefined();
  });

  it.each(['half sent', 'sent'] as const)('may disconnect when a command is %s', async (when) => {
    const machine = await start();
    const toolstack = new Toolstack(machine.qmpPath, { hangUp: { during: 'stop', when } });
    const operation = await toolstack.suspendAndSave({ filename: scratch.path('state') });
    expect(failureOf(operation)).toBe('no reply');
    expect(operation.replies).toEqual([{ return: {}, id: FIRST_ID + 1 }]);
    expect(failureOf(await new Toolstack(machine.qmpPath).queryCpus())).toBeUndefined();
    expect(scratch.has('state')).toBe(false);
  });
});
