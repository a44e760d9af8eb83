/** A whole machine with its RAM: `stubferry save --migrate` of a running Linux, which continues in another QEMU. */
import { expect, it, jest } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { agentOf } from '../../support/cli/agents-of-pair.js';
import { documentOf, failureOf, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { until } from '../../support/qemu/behind-the-proxy.js';
import { countsIn } from '../../support/qemu/boot-sector.js';
import { linuxGuest } from '../../support/qemu/linux-guest.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_LINUX_GUEST, A_QEMU } from '../../support/qemu/needs.js';

const MIB = 1024 * 1024;
/** A test boots Linux with software emulation, in parallel with other tests. */
jest.setTimeout(180_000);

describeWith(A_LINUX_GUEST, 'a running Linux with 256 MiB of RAM', () => {
  const scratch = useScratch();

  it('is saved with its RAM, restored into another QEMU, and continues to count without a gap', async () => {
    const { folder } = scratch;
    const linux = linuxGuest(folder);
    const machine = ['-machine', 'pc-i440fx-7.2'];
    const first = await startMachine({ folder, name: 'first', machine, ...linux });
    await first.untilCounting(5);
    const state = scratch.path('state');
    const saved = await stubferry([
      '--json',
      'save',
      '--qmp',
      first.qmpPath,
      '--migrate',
      '-o',
      state,
      ...scratch.options,
    ]);
    const { save } = documentOf<{ save: { kind: string; bytes: number } }>(saved);
    expect(save.kind).toBe('migration-stream');
    expect(save.bytes).toBeGreaterThan(16 * MIB);
    expect(await first.runState()).toBe('postmigrate');
    const before = first.serial();
    await first.kill();

    const fifo = scratch.fifo('incoming');
    // The second QEMU has its own, empty memory. The stream fills it.
    const second = await startMachine({ folder, name: 'second', machine, ...linux, incoming: `exec:cat ${fifo}` });
    const args = ['--json', 'restore', state, '--incoming', fifo, '--qmp', second.qmpPath, ...scratch.options];
    const restored = await stubferry([...args, '--qemu-log', second.logPath]);
    expect(documentOf<{ restore: object }>(restored).restore).toMatchObject({ guest: 'running', bytes: save.bytes });
    await second.untilCounting();
    const counts = countsIn(before + second.serial());
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  });
});

describeWith([A_QEMU], 'a migration that fails', () => {
  const scratch = useScratch({ mayLeave: true });
  const MACHINE = ['-machine', 'pc-i440fx-7.2'];

  const guestOf = async (mebibytes: number): Promise<Machine> => {
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINE, mebibytes });
    await guest.untilCounting();
    return guest;
  };
  const migrationOf = (guest: Machine, output: string, more: readonly string[] = []): string[] => {
    return ['--json', 'save', '--qmp', guest.qmpPath, '--migrate', '-o', output, ...scratch.options, ...more];
  };
  const bandwidth = async (guest: Machine): Promise<number> => {
    return (await guest.command<{ 'max-bandwidth': number }>('query-migrate-parameters'))['max-bandwidth'];
  };

  it('leaves the guest running when the destination is full, and a second one succeeds', async () => {
    const guest = await guestOf(32);
    const before = await bandwidth(guest);
    expect(failureOf(await stubferry(migrationOf(guest, '/dev/full')))).toMatchObject({
      exit: 41,
      code: 'DESTINATION_FULL',
    });
    expect(await guest.runState()).toBe('running');
    await guest.untilCounting();
    expect(await bandwidth(guest)).toBe(before);
    expect((await stubferry(migrationOf(guest, scratch.path('second')))).exit).toBe(0);
    expect(await bandwidth(guest)).toBe(before);
  });

  it('is cancelled when the dom0 agent is killed, and the guest keeps running', async () => {
    const guest = await guestOf(32);
    const small = ['--ring', '64K', '--frame', '4K', '--peer-timeout', '1s'];
    const save = startStubferry(migrationOf(guest, scratch.path('first'), small));
    const dom0 = await agentOf(save, 'dom0');
    await until('a migration', async () => {
      return (await guest.command<{ status?: string }>('query-migrate')).status === 'active';
    });
    process.kill(dom0, 'SIGKILL');
    expect(failureOf(await save.ended).exit).toBe(50);
    expect(scratch.has('first')).toBe(false);
    expect(await guest.runState()).toBe('running');
    await guest.untilCounting();
    expect((await stubferry(migrationOf(guest, scratch.path('second')))).exit).toBe(0);
  });

  it("reports QEMU's own error when the machine type differs", async () => {
    const guest = await startMachine({
      ...{ folder: scratch.folder, name: 'guest', machine: MACHINE },
      configuration: true,
    });
    await guest.untilCounting();
    expect((await stubferry(migrationOf(guest, scratch.path('state')))).exit).toBe(0);
    const fifo = scratch.fifo('incoming');
    const second = await startMachine({
      ...{ folder: scratch.folder, name: 'second', machine: ['-machine', 'pc-q35-7.2'], configuration: true },
      incoming: `exec:cat ${fifo}`,
    });
    const args = ['--json', 'restore', scratch.path('state'), '--incoming', fifo, '--qmp', second.qmpPath];
    const restored = failureOf(await stubferry([...args, '--qemu-log', second.logPath, ...scratch.options]));
    expect(restored).toMatchObject({
      exit: 67,
      message:
        "QEMU did not load the state: Machine type received is 'pc-i440fx-7.2' and local is 'pc-q35-7.2'; " +
        'load of migration failed: Invalid argument',
    });
  });
});
