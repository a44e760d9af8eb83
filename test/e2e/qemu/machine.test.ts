/** Tests of the harness: the counting guest, the monitor of its QEMU, and the cleanup. */
import { existsSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { useScratch } from '../../support/cli/scratch.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';

describeWith([A_QEMU], 'a machine', () => {
  const scratch = useScratch();
  const left: Machine[] = [];

  it('counts, stops on command, and continues from the same number', async () => {
    const machine = await startMachine({ folder: scratch.folder, name: 'guest', machine: ['-machine', 'pc'] });
    left.push(machine);
    await machine.untilCounting(5);
    await machine.command('stop');
    expect(await machine.runState()).toBe('paused');
    const stopped = machine.counter();
    await machine.command('cont');
    await machine.untilCounting(stopped + 5);
    const counts = machine.counts();
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  });

  it('is removed after its test, with its memory', async () => {
    expect(left).toHaveLength(1);
    for (const machine of left) {
      expect((await machine.ended).exit).toBe('SIGKILL');
      expect(existsSync(machine.memory)).toBe(false);
    }
  });

  it('reports why it does not start', async () => {
    const start = startMachine({ folder: scratch.folder, name: 'guest', machine: ['-machine', 'enigma'] });
    await expect(start).rejects.toThrow(/does not respond.*unsupported machine type/s);
  });

  it('reports its exit status and log', async () => {
    const machine = await startMachine({ folder: scratch.folder, name: 'guest', machine: ['-machine', 'q35'] });
    await machine.untilCounting();
    expect(await machine.kill('SIGTERM')).toEqual({
      exit: 0,
      log: expect.stringContaining('terminating on signal 15'),
    });
    await expect(machine.command('query-status')).rejects.toThrow('query-status: QEMU ended (0)');
    await expect(machine.untilCounting()).rejects.toThrow('QEMU ended (0)');
  });
});
