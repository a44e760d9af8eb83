/** `stubferry restore --incoming --qmp` succeeds when QEMU reports that it has loaded the state, and not before. */
import { closeSync, constants, openSync, readdirSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { expect, it, jest } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { agentOf } from '../../support/cli/agents-of-pair.js';
import {
  documentOf,
  type Ended,
  failureOf,
  PROGRAM,
  start,
  startStubferry,
  stubferry,
} from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { until } from '../../support/qemu/behind-the-proxy.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';

/** A test runs several QEMUs with software emulation, in parallel with other tests. */
jest.setTimeout(120_000);

const scratch = useScratch();

const PC = ['-machine', 'pc', '-device', 'e1000,romfile='];

/** Saves a counting guest and kills it. Its RAM remains, as on Xen. */
async function savedGuest(machine = PC): Promise<{ memory: string; count: number; state: string }> {
  const guest = await startMachine({ folder: scratch.folder, name: 'first', machine });
  await guest.untilCounting(3);
  const state = scratch.path('state');
  const saved = await stubferry(['save', '--qmp', guest.qmpPath, '-o', state, ...scratch.options]);
  if (saved.exit !== 0) throw new Error(saved.stderr);
  const count = guest.counter();
  await guest.kill();
  return { memory: guest.memory, count, state };
}

const waiting = (memory: string, incoming: string, machine = PC): Promise<Machine> => {
  return startMachine({ folder: scratch.folder, name: 'second', machine, memory, incoming });
};

function restore(guest: Machine, state: string, incoming: string, more: readonly string[] = []): Promise<Ended> {
  const log = ['--qemu-log', guest.logPath];
  return stubferry([
    ...['--json', 'restore', state, '--incoming', incoming, '--qmp', guest.qmpPath],
    ...[...log, ...scratch.options, ...more],
  ]);
}

/** The targets of the descriptors of a process. */
function linksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

describeWith([A_QEMU], 'stubferry restore --incoming', () => {
  it('writes to a FIFO, waits for QEMU, and the guest continues to count from its number', async () => {
    const { memory, count, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`);
    const restored = await restore(guest, state, fifo);
    expect(documentOf<{ restore: object }>(restored).restore).toMatchObject({ output: fifo, guest: 'running' });
    expect(await guest.untilCounting()).toBeGreaterThanOrEqual(count);
    expect(guest.counts()[0]).toBe(count + 1);
  });

  it('writes to a socket that QEMU listens on', async () => {
    const { memory, count, state } = await savedGuest();
    const socket = scratch.path('incoming.sock');
    const guest = await waiting(memory, `unix:${socket}`);
    expect((await restore(guest, state, socket)).exit).toBe(0);
    await guest.untilCounting();
    expect(guest.counts()[0]).toBe(count + 1);
  });

  it('writes to an inherited descriptor', async () => {
    const { memory, count, state } = await savedGuest();
    const fifo = scratch.fifo('pipe');
    // Opens both ends before any process uses them, as an init would.
    const holder = openSync(fifo, constants.O_RDWR);
    const [reading, writing] = [openSync(fifo, 'r'), openSync(fifo, 'w')];
    const guest = await startMachine({
      ...{ folder: scratch.folder, name: 'second', machine: PC, memory },
      ...{ incoming: 'fd:3', descriptors: [reading] },
    });
    const args = ['restore', state, '--incoming', 'fd:7', '--qmp', guest.qmpPath, ...scratch.options];
    const stdio = ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'ignore', writing] as const;
    const restoring = start(process.execPath, [PROGRAM, ...args], [...stdio]);
    // QEMU reads to the end of the pipe. The pipe has an end only when no other process has its writing end open.
    for (const fd of [holder, reading, writing]) closeSync(fd);
    expect((await restoring.ended).exit).toBe(0);
    await guest.untilCounting();
    expect(guest.counts()[0]).toBe(count + 1);
  });

  it("fails with QEMU's own error when the state is of another machine", async () => {
    const { memory, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`, ['-machine', 'q35', '-device', 'e1000,romfile=']);
    const restored = failureOf(await restore(guest, state, fifo));
    expect(restored).toMatchObject({ exit: 67, code: 'LOAD_FAILED', where: guest.qmpPath, found: 'QEMU has ended' });
    const { log } = await guest.ended;
    // Warnings from QEMU's start are not the reason.
    const lines = log.split('\n').filter((line) => line !== '' && !line.includes('warning: nic'));
    const reasons = lines.map((line) => line.replace('qemu-system-x86_64: ', ''));
    expect(reasons.length).toBeGreaterThan(1);
    expect(restored.message).toBe(`QEMU did not load the state: ${reasons.join('; ')}`);
  });

  it('names --qemu-log in the hint when it does not know the log', async () => {
    const { memory, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`, ['-machine', 'q35']);
    const args = ['--json', 'restore', state, '--incoming', fifo, '--qmp', guest.qmpPath, ...scratch.options];
    expect(failureOf(await stubferry(args))).toMatchObject({
      code: 'LOAD_FAILED',
      message: 'QEMU did not load the state',
      hint: expect.stringContaining('--qemu-log'),
    });
  });

  it('does not write a single byte of a damaged statefile to QEMU', async () => {
    const { memory, state } = await savedGuest();
    const bytes = await scratch.bytes('state');
    bytes.writeUInt8((bytes[bytes.length - 9000] ?? 0) ^ 1, bytes.length - 9000);
    await writeFile(state, bytes);
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`);
    expect(failureOf(await restore(guest, state, fifo)).exit).toBe(13);
    expect(await guest.runState()).toBe('inmigrate');
  });

  it('refuses a QEMU that already runs a guest', async () => {
    const { memory, state } = await savedGuest();
    const guest = await startMachine({ folder: scratch.folder, name: 'second', machine: PC, memory });
    expect(failureOf(await restore(guest, state, scratch.fifo('incoming')))).toMatchObject({
      exit: 65,
      code: 'QEMU_UNSUITED',
      found: 'running',
    });
  });

  it('reports a FIFO without a reader when QEMU reads another FIFO', async () => {
    const { memory, state } = await savedGuest();
    const guest = await waiting(memory, `exec:cat ${scratch.fifo('another')}`);
    const restored = await restore(guest, state, scratch.fifo('incoming'), ['--attach-timeout', '1s']);
    expect(failureOf(restored)).toMatchObject({ exit: 44, code: 'DESTINATION_GONE' });
    expect(await guest.runState()).toBe('inmigrate');
  });

  it('reports that QEMU has exited when QEMU is killed during the wait', async () => {
    const { memory, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    // The FIFO has no reader, so the agent waits for one while it is connected to QEMU's monitor.
    const guest = await waiting(memory, `exec:cat ${scratch.fifo('another')}`);
    const args = ['--json', 'restore', state, '--incoming', fifo, '--qmp', guest.qmpPath, ...scratch.options];
    const restoring = startStubferry(args);
    const agent = await agentOf(restoring, 'stubdom');
    await until('a spool', () => linksOf(agent).some((link) => link.includes('stubferry-spool')));
    await guest.kill();
    expect(failureOf(await restoring.ended)).toMatchObject({ exit: 67, code: 'LOAD_FAILED', found: 'QEMU has ended' });
  });

  it.each([
    ['a file', 'plain'],
    ['a path that does not exist', 'absent'],
  ])('refuses %s as the argument of --incoming', async (_, name) => {
    const { memory, state } = await savedGuest();
    await writeFile(scratch.path('plain'), '');
    const guest = await waiting(memory, 'exec:sleep 100');
    expect(failureOf(await restore(guest, state, scratch.path(name)))).toMatchObject({
      exit: 42,
      code: 'DESTINATION_UNWRITABLE',
      expected: 'a FIFO, a socket that QEMU listens on, or fd:N',
    });
  });
});
