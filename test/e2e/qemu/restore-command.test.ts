/** `stubferry restore --incoming --qmp`: done when QEMU says that it has loaded the state, and not before. */
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

/** Several QEMUs in turn, in software, beside other tests. */
jest.setTimeout(120_000);

const scratch = useScratch();

const PC = ['-machine', 'pc', '-device', 'e1000,romfile='];

/** Saves a counting guest and kills it: its RAM stays, as on Xen. */
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

/** What the descriptors of a process lead to. */
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
  it('feeds a FIFO, waits for QEMU, and the guest counts on where it was', async () => {
    const { memory, count, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`);
    const restored = await restore(guest, state, fifo);
    expect(documentOf<{ restore: object }>(restored).restore).toMatchObject({ output: fifo, guest: 'running' });
    expect(await guest.untilCounting()).toBeGreaterThanOrEqual(count);
    expect(guest.counts()[0]).toBe(count + 1);
  });

  it('feeds a socket that QEMU listens on', async () => {
    const { memory, count, state } = await savedGuest();
    const socket = scratch.path('incoming.sock');
    const guest = await waiting(memory, `unix:${socket}`);
    expect((await restore(guest, state, socket)).exit).toBe(0);
    await guest.untilCounting();
    expect(guest.counts()[0]).toBe(count + 1);
  });

  it('feeds a descriptor that it was given', async () => {
    const { memory, count, state } = await savedGuest();
    const fifo = scratch.fifo('pipe');
    // Both ends open before anybody uses them, as an init would do it.
    const holder = openSync(fifo, constants.O_RDWR);
    const [reading, writing] = [openSync(fifo, 'r'), openSync(fifo, 'w')];
    const guest = await startMachine({
      ...{ folder: scratch.folder, name: 'second', machine: PC, memory },
      ...{ incoming: 'fd:3', descriptors: [reading] },
    });
    const args = ['restore', state, '--incoming', 'fd:7', '--qmp', guest.qmpPath, ...scratch.options];
    const stdio = ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore', 'ignore', writing] as const;
    const restoring = start(process.execPath, [PROGRAM, ...args], [...stdio]);
    // QEMU looks for a description behind the state: its pipe has an end only when nobody else can write to it.
    for (const fd of [holder, reading, writing]) closeSync(fd);
    expect((await restoring.ended).exit).toBe(0);
    await guest.untilCounting();
    expect(guest.counts()[0]).toBe(count + 1);
  });

  it("ends with QEMU's own sentence when the state is another machine's", async () => {
    const { memory, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`, ['-machine', 'q35', '-device', 'e1000,romfile=']);
    const restored = failureOf(await restore(guest, state, fifo));
    expect(restored).toMatchObject({ exit: 67, code: 'LOAD_FAILED', where: guest.qmpPath, found: 'QEMU has ended' });
    const { log } = await guest.ended;
    // What QEMU said at its start is not its reason.
    const lines = log.split('\n').filter((line) => line !== '' && !line.includes('warning: nic'));
    const sentences = lines.map((line) => line.replace('qemu-system-x86_64: ', ''));
    expect(sentences.length).toBeGreaterThan(1);
    expect(restored.message).toBe(`QEMU did not load the state: ${sentences.join('; ')}`);
  });

  it('says where to look for the sentence when it was not told of the log', async () => {
    const { memory, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`, ['-machine', 'q35']);
    const args = ['--json', 'restore', state, '--incoming', fifo, '--qmp', guest.qmpPath, ...scratch.options];
    expect(failureOf(await stubferry(args))).toMatchObject({
      code: 'LOAD_FAILED',
      message: 'QEMU did not load the state',
      hint: 'QEMU says why on its standard error: name the file that it goes to with --qemu-log',
    });
  });

  it('does not feed QEMU a single byte of a damaged statefile', async () => {
    const { memory, state } = await savedGuest();
    const bytes = await scratch.bytes('state');
    bytes.writeUInt8((bytes[bytes.length - 9000] ?? 0) ^ 1, bytes.length - 9000);
    await writeFile(state, bytes);
    const fifo = scratch.fifo('incoming');
    const guest = await waiting(memory, `exec:cat ${fifo}`);
    expect(failureOf(await restore(guest, state, fifo)).exit).toBe(13);
    expect(await guest.runState()).toBe('inmigrate');
  });

  it('refuses a QEMU that runs already', async () => {
    const { memory, state } = await savedGuest();
    const guest = await startMachine({ folder: scratch.folder, name: 'second', machine: PC, memory });
    expect(failureOf(await restore(guest, state, scratch.fifo('incoming')))).toMatchObject({
      exit: 65,
      code: 'QEMU_UNSUITED',
      found: 'running',
    });
  });

  it('says that nobody reads the FIFO, when QEMU waits for another', async () => {
    const { memory, state } = await savedGuest();
    const guest = await waiting(memory, `exec:cat ${scratch.fifo('another')}`);
    const restored = await restore(guest, state, scratch.fifo('incoming'), ['--attach-timeout', '1s']);
    expect(failureOf(restored)).toMatchObject({ exit: 44, code: 'DESTINATION_GONE' });
    expect(await guest.runState()).toBe('inmigrate');
  });

  it('says so when QEMU is killed while it waits', async () => {
    const { memory, state } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    // Nobody reads: the agent waits for a reader, with QEMU's monitor open.
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
    ['nothing', 'absent'],
  ])('refuses %s as what QEMU reads', async (_, name) => {
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
