/** `stubferry save --qmp` of a running guest: what it does to the guest, above all when it fails. */
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { agentOf } from '../../support/cli/agents-of-pair.js';
import { documentOf, failureOf, type Started, startStubferry, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { until } from '../../support/qemu/behind-the-proxy.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { QmpConnection } from '../../support/qemu/qmp-connection.js';

/** Several QEMUs in turn, in software, beside other tests. */
jest.setTimeout(120_000);

const scratch = useScratch({ mayLeave: true });

/** 5.5 MB of state, which take 200 ms through a small ring: so a save can be held in its middle. */
const LARGE = ['-machine', 'pc', ...Array.from({ length: 27 }, () => ['-device', 'e1000,romfile=']).flat()];

async function running(machine: readonly string[] = ['-machine', 'pc']): Promise<Machine> {
  const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine });
  await guest.untilCounting();
  return guest;
}

const saveOf = (guest: Machine, output: string, more: readonly string[] = []): string[] => {
  return ['--json', 'save', '--qmp', guest.qmpPath, '-o', output, ...scratch.options, ...more];
};

/** Runs on, and can be saved. */
async function goesOnAndSaves(guest: Machine): Promise<void> {
  expect(await guest.runState()).toBe('running');
  await guest.untilCounting();
  expect((await stubferry(saveOf(guest, scratch.path('second')))).exit).toBe(0);
}

/** A save with dom0's agent standing still and QEMU in the middle of writing. */
async function inTheMiddle(guest: Machine): Promise<{ save: Started; dom0: number; stubdom: number }> {
  const small = ['--ring', '64K', '--frame', '4K', '--peer-timeout', '2s', '--raw', '--checkpoint', '--force'];
  for (;;) {
    const save = startStubferry(saveOf(guest, scratch.path('first'), small));
    const [dom0, stubdom] = [await agentOf(save, 'dom0'), await agentOf(save, 'stubdom')];
    await until('the first bytes at the destination', () => partBytes() > 0 || scratch.has('first'));
    if (process.kill(dom0, 0) && !scratch.has('first')) process.kill(dom0, 'SIGSTOP');
    // The ring is full soon, and then the FIFO.
    await delay(100);
    if (!scratch.has('first') && partBytes() < 5_000_000) return { save, dom0, stubdom };
    // Nobody looked for so long that the save was over: once more.
    process.kill(dom0, 'SIGCONT');
    await save.ended;
    await rm(scratch.path('first'));
  }
}

/** Bytes that have come to the destination, where they have no name yet. */
function partBytes(): number {
  const [part] = readdirSync(scratch.folder).filter((name) => name.endsWith('.part'));
  return part === undefined ? 0 : statSync(scratch.path(part)).size;
}

describeWith([A_QEMU], 'stubferry save --qmp', () => {
  it('stops the guest, saves its devices, says who wrote them, and leaves the guest stopped', async () => {
    const guest = await running();
    const saved = await stubferry(saveOf(guest, scratch.path('state')));
    expect(documentOf<{ save: object }>(saved).save).toMatchObject({
      input: guest.qmpPath,
      guest: 'stopped',
      kind: 'device-state',
    });
    expect(await guest.runState()).toBe('paused');
    const inspected = await stubferry(['--json', 'inspect', scratch.path('state')]);
    expect(documentOf<{ inspect: object }>(inspected).inspect).toMatchObject({
      qemuVersion: expect.stringMatching(/^7\.2\.\d+ \(Debian /),
      machineType: expect.stringMatching(/^pc-i440fx-7\.2$/),
    });
  });

  it('with --checkpoint lets it go on after the save', async () => {
    const guest = await running();
    const saved = await stubferry(saveOf(guest, scratch.path('state'), ['--checkpoint']));
    expect(documentOf<{ save: object }>(saved).save).toMatchObject({ guest: 'running' });
    await goesOnAndSaves(guest);
  });

  it('does not let a guest go on that was stopped before', async () => {
    const guest = await running();
    await guest.command('stop');
    expect((await stubferry(saveOf(guest, scratch.path('state'), ['--checkpoint']))).exit).toBe(0);
    expect(await guest.runState()).toBe('paused');
  });

  it('does not touch the guest when the destination exists', async () => {
    const guest = await running();
    writeFileSync(scratch.path('state'), 'precious');
    expect(failureOf(await stubferry(saveOf(guest, scratch.path('state'))))).toMatchObject({
      exit: 40,
      code: 'DESTINATION_EXISTS',
    });
    expect(await guest.eventsSoFar()).not.toContain('STOP');
    expect(`${await scratch.bytes('state')}`).toBe('precious');
    await goesOnAndSaves(guest);
    // The same look sees it when there is one.
    expect(await guest.eventsSoFar()).toContain('STOP');
  });

  it('lets the guest go on when the destination is full', async () => {
    const guest = await running();
    expect(failureOf(await stubferry(saveOf(guest, '/dev/full')))).toMatchObject({
      exit: 41,
      code: 'DESTINATION_FULL',
    });
    await goesOnAndSaves(guest);
  });

  it('lets the guest go on when dom0 is killed in the middle', async () => {
    const guest = await running(LARGE);
    const { save, dom0 } = await inTheMiddle(guest);
    process.kill(dom0, 'SIGKILL');
    expect(failureOf(await save.ended)).toMatchObject({ exit: 50, code: 'AGENT_DIED' });
    expect(scratch.has('first')).toBe(false);
    await goesOnAndSaves(guest);
  });

  it('lets the guest go on when the agent that stopped it is killed in the middle', async () => {
    const guest = await running(LARGE);
    const { save, dom0, stubdom } = await inTheMiddle(guest);
    process.kill(stubdom, 'SIGKILL');
    process.kill(dom0, 'SIGCONT');
    expect(failureOf(await save.ended)).toMatchObject({ exit: 50, code: 'AGENT_DIED' });
    expect(scratch.has('first')).toBe(false);
    await goesOnAndSaves(guest);
  });

  it('lets the guest go on when it is stopped by SIGTERM in the middle, and again while it does so', async () => {
    const guest = await running(LARGE);
    const { save, dom0, stubdom } = await inTheMiddle(guest);
    save.child.kill('SIGTERM');
    for (const pid of [stubdom, save.pid]) process.kill(pid, 'SIGTERM');
    process.kill(dom0, 'SIGCONT');
    expect(failureOf(await save.ended)).toMatchObject({ exit: 130, code: 'CANCELLED' });
    expect(scratch.has('first')).toBe(false);
    await goesOnAndSaves(guest);
  });

  it('says that QEMU has ended when it is killed in the middle, and leaves nothing', async () => {
    const guest = await running(LARGE);
    const { save, dom0 } = await inTheMiddle(guest);
    await guest.kill();
    process.kill(dom0, 'SIGCONT');
    expect(failureOf(await save.ended)).toMatchObject({
      exit: 63,
      code: 'QEMU_GONE',
      message: "QEMU closed its monitor in the middle of 'xen-save-devices-state'",
      where: guest.qmpPath,
    });
    expect(scratch.has('first')).toBe(false);
  });

  it('refuses a machine with a device that QEMU cannot save, which would crash QEMU, and names it', async () => {
    const drive = ['-drive', `if=none,id=n,file=${scratch.fileOf('nvme.img', 1 << 20)},format=raw`];
    const guest = await running(['-machine', 'pc', ...drive, '-device', 'nvme,drive=n,serial=1']);
    expect(failureOf(await stubferry(saveOf(guest, scratch.path('state'))))).toMatchObject({
      exit: 65,
      code: 'QEMU_UNSUITED',
      found: expect.stringMatching(/^non-migratable device: .*\/nvme$/),
    });
    expect(await guest.runState()).toBe('running');
    await guest.untilCounting();
  });

  it('refuses a QEMU that waits for a state itself', async () => {
    const guest = await startMachine({
      ...{ folder: scratch.folder, name: 'guest', machine: ['-machine', 'pc'] },
      incoming: 'exec:sleep 100',
    });
    expect(failureOf(await stubferry(saveOf(guest, scratch.path('state'))))).toMatchObject({
      exit: 65,
      code: 'QEMU_UNSUITED',
      found: 'a QEMU that waits for an incoming state',
    });
  });

  it('says which socket it cannot connect to', async () => {
    const ended = await stubferry(['--json', 'save', '--qmp', scratch.path('nobody'), '-o', scratch.path('state')]);
    expect(failureOf(ended)).toMatchObject({ exit: 60, code: 'QMP_UNREACHABLE', where: scratch.path('nobody') });
  });

  it('says that another client may be connected when the monitor does not greet', async () => {
    const guest = await running();
    const other = await QmpConnection.open(guest.qmpPath);
    await other.next();
    expect(failureOf(await stubferry(saveOf(guest, scratch.path('state'))))).toMatchObject({
      exit: 62,
      code: 'QMP_TIMEOUT',
      hint: 'a monitor serves one client at a time: is another one connected? Else QEMU is stuck',
    });
    other.disconnect();
    await until('a monitor for the next', () => guest.runState().then((state) => state === 'running'));
    await goesOnAndSaves(guest);
  });
});
