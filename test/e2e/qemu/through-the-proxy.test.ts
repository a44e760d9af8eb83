/**
 * The complete path: a toolstack saves a guest through the proxy, the state is restored into a second QEMU that finds
 * the guest's RAM in place, and the second QEMU is saved through a proxy again. The two states are equal in all fields
 * except clocks.
 */
import { expect, it, jest } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { dom0Saving, saveSuccessfully, saveThrough, startProxy } from '../../support/qemu/behind-the-proxy.js';
import { countsIn } from '../../support/qemu/boot-sector.js';
import { unexplained } from '../../support/qemu/clocks.js';
import { differences } from '../../support/qemu/described-state.js';
import { describeState } from '../../support/qemu/description.js';
import { startMachine } from '../../support/qemu/machine.js';
import { MACHINES } from '../../support/qemu/machines.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { splitState } from '../../support/qemu/split-state.js';
import { failureOf, Toolstack } from '../../support/qemu/toolstack.js';

/** A test runs several QEMUs with software emulation, in parallel with other tests. */
jest.setTimeout(120_000);

describeWith([A_QEMU], 'a guest that is saved through the proxy, restored, and saved again', () => {
  const scratch = useScratch();

  it.each(Object.entries(MACHINES))('has the same state: %s', async (_, machine) => {
    const { folder } = scratch;
    const first = await startMachine({ folder, name: 'first', machine });
    await first.untilCounting(3);
    const firstProxy = await startProxy(scratch, first);
    await saveSuccessfully(scratch, firstProxy, 'one');
    const before = first.serial();
    firstProxy.agent.child.kill('SIGTERM');
    await firstProxy.agent.end;
    await first.kill();

    const fifo = scratch.fifo('incoming');
    const options = { folder, machine, memory: first.memory };
    const second = await startMachine({ ...options, name: 'second', incoming: `exec:cat ${fifo}`, paused: true });
    const restored = await stubferry([
      ...['restore', scratch.path('one'), '--incoming', fifo, '--qmp', second.qmpPath],
      ...['--qemu-log', second.logPath, ...scratch.options],
    ]);
    expect(restored.stderr).toBe('');
    const secondProxy = await startProxy(scratch, second);
    await saveSuccessfully(scratch, secondProxy, 'two');

    const description = await describeState(scratch.path('one'), { ...options, name: 'describer' });
    const [one, two] = [await scratch.bytes('one'), await scratch.bytes('two')];
    const differing = differences(splitState(one, description), splitState(two, description));
    expect(unexplained(differing)).toEqual([]);

    // The guest also continues to count without a gap.
    await second.command('cont');
    await second.untilCounting();
    const counts = countsIn(before + second.serial());
    expect(counts).toEqual(counts.map((_count, index) => index + 1));
  });

  it('differs in more than clocks when the guest has run in between', async () => {
    const { folder } = scratch;
    const machine = MACHINES['pc, e1000 and VGA'];
    const guest = await startMachine({ folder, name: 'guest', machine });
    await guest.untilCounting(3);
    const proxy = await startProxy(scratch, guest);
    await saveSuccessfully(scratch, proxy, 'one');
    await guest.command('cont');
    await guest.untilCounting();
    await saveSuccessfully(scratch, proxy, 'two');
    await guest.kill();
    const options = { folder, name: 'describer', machine, memory: guest.memory };
    const description = await describeState(scratch.path('one'), options);
    const [one, two] = [await scratch.bytes('one'), await scratch.bytes('two')];
    expect(unexplained(differences(splitState(one, description), splitState(two, description)))).toContain(
      'timer/cpu_clock_offset',
    );
  });

  it("serves libxl's operations, each on its own connection and in small chunks, also after a failure", async () => {
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINES['pc, e1000 and VGA'] });
    await guest.untilCounting();
    const proxy = await startProxy(scratch, guest, ['--attach-timeout', '500ms']);
    const toolstack = new Toolstack(proxy.socket, { chunkBytes: 7 });
    const failed = (await toolstack.save({ live: true })).map(failureOf);
    expect(failed).toEqual([undefined, undefined, expect.stringContaining('[DISK_ABSENT]'), undefined, undefined]);
    await guest.untilCounting();
    const dom0 = await dom0Saving(scratch, scratch.path('state'));
    expect((await toolstack.save({ live: true })).map(failureOf)).toEqual([undefined, undefined, undefined, undefined]);
    expect((await dom0.end).exit).toBe(0);
    expect(await guest.runState()).toBe('paused');
  });

  it.each(['half sent', 'sent'] as const)(
    'serves the next toolstack after one that disconnects when its save is %s',
    async (when) => {
      const guest = await startMachine({
        folder: scratch.folder,
        name: 'guest',
        machine: MACHINES['pc, e1000 and VGA'],
      });
      await guest.untilCounting();
      const proxy = await startProxy(scratch, guest);
      const toolstack = new Toolstack(proxy.socket, { hangUp: { during: 'xen-save-devices-state', when } });
      expect(failureOf(await toolstack.suspendAndSave())).toBe('no reply');
      expect(failureOf(await new Toolstack(proxy.socket).resume())).toBeUndefined();
      await guest.untilCounting();
      expect((await saveSuccessfully(scratch, proxy, 'state')).toString('latin1', 0, 4)).toBe('QEVM');
    },
  );

  it('sends libxl only what QEMU would send: events and replies with the ids of libxl', async () => {
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINES['pc, e1000 and VGA'] });
    await guest.untilCounting();
    const proxy = await startProxy(scratch, guest, ['--attach-timeout', '1s']);
    const { greeting, events, replies } = await saveThrough(proxy);
    expect(greeting?.QMP?.version.qemu).toMatchObject({ major: 7, minor: 2 });
    expect(events.map(({ event }) => event)).toEqual(['STOP']);
    expect(replies.map(({ id }) => id)).toEqual([0x786c7101, 0x786c7100, 0x786c7102, 0x786c7103]);
    expect(failureOf({ greeting, events, replies, sent: [] })).toMatch(
      /^stubferry: the transfer disk did not become usable/,
    );
  });
});
