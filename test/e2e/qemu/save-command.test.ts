/** `stubferry save --qmp` of a running guest: its effects on the guest, especially after a failure. */
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

/** A test runs several QEMUs with software emulation, in parallel with other tests. */
jest.setTimeout(120_000);

const scratch = useScratch({ mayLeave: true });

/** 5.5 MB of state, which take 200 ms through a small ring, so that a test can pause a save in the middle. */
const LARGE = ['-machine', 'pc', ...Array.from({ length: 27 }, () => ['-device', 'e1000,romfile=']).flat()];

async function running(machine: readonly string[] = ['-machine', 'pc']): Promise<Machine> {
  const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine });
  await guest.untilCounting();
  return guest;
}

const saveOf = (guest: Machine, output: string, more: readonly string[] = []): string[] => {
  return ['--json', 'save', '--qmp', guest.qmpPath, '-o', output, ...scratch.options, ...more];
};

/** Checks that the guest keeps running and can be saved. */
async function resumesAndSaves(guest: Machine): Promise<void> {
  expect(await guest.runState()).toBe('running');
  await guest.untilCounting();
  expect((await stubferry(saveOf(guest, scratch.path('second')))).exit).toBe(0);
}

/** Starts a save and stops the dom0 agent while QEMU is still writing. */
async function inTheMiddle(guest: Machine): Promise<{ save: Started; dom0: number; stubdom: number }> {
  const small = ['--ring', '64K', '--frame', '4K', '--peer-timeout', '2s', '--raw', '--checkpoint', '--force'];
  for (;;) {
    const save = startStubferry(saveOf(guest, scratch.path('first'), small));
    const [dom0, stubdom] = [await agentOf(save, 'dom0'), await agentOf(save, 'stubdom')];
    await until('the first bytes at the destination', () => temporaryBytes() > 0 || scratch.has('first'));
    if (process.kill(dom0, 0) && !scratch.has('first')) process.kill(dom0, 'SIGSTOP');
    // The ring fills up soon, then the FIFO.
    await delay(100);
    if (!scratch.has('first') && temporaryBytes() < 5_000_000) return { save, dom0, stubdom };
    // This process was too slow and the save is complete: try again.
    process.kill(dom0, 'SIGCONT');
    await save.ended;
    await rm(scratch.path('first'));
  }
}

/** The number of bytes in the temporary file of the destination. */
function temporaryBytes(): number {
  const [name] = readdirSync(scratch.folder).filter((file) => file.endsWith('.part'));
  return name === undefined ? 0 : statSync(scratch.path(name)).size;
}

describeWith([A_QEMU], 'stubferry save --qmp', () => {
  it('stops the guest, saves its devices with version and machine type, and leaves the guest stopped', async () => {
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

  it('resumes the guest after the save with --checkpoint', async () => {
    const guest = await running();
    const saved = await stubferry(saveOf(guest, scratch.path('state'), ['--checkpoint']));
    expect(documentOf<{ save: object }>(saved).save).toMatchObject({ guest: 'running' });
    await resumesAndSaves(guest);
  });

  it('does not resume a guest that was stopped before', async () => {
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
    await resumesAndSaves(guest);
    // This check sees a STOP event when there is one.
    expect(await guest.eventsSoFar()).toContain('STOP');
  });

  it('resumes the guest when the destination is full', async () => {
    const guest = await running();
    expect(failureOf(await stubferry(saveOf(guest, '/dev/full')))).toMatchObject({
      exit: 41,
      code: 'DESTINATION_FULL',
    });
    await resumesAndSaves(guest);
  });

  it('resumes the guest when the dom0 agent is killed during the save', async () => {
    const guest = await running(LARGE);
    const { save, dom0 } = await inTheMiddle(guest);
    process.kill(dom0, 'SIGKILL');
    expect(failureOf(await save.ended)).toMatchObject({ exit: 50, code: 'AGENT_DIED' });
    expect(scratch.has('first')).toBe(false);
    await resumesAndSaves(guest);
  });

  it('resumes the guest when the stubdom agent, which has stopped it, is killed during the save', async () => {
    const guest = await running(LARGE);
    const { save, dom0, stubdom } = await inTheMiddle(guest);
    process.kill(stubdom, 'SIGKILL');
    process.kill(dom0, 'SIGCONT');
    expect(failureOf(await save.ended)).toMatchObject({ exit: 50, code: 'AGENT_DIED' });
    expect(scratch.has('first')).toBe(false);
    await resumesAndSaves(guest);
  });

  it('resumes the guest when SIGTERM arrives during the save, and again during the cleanup', async () => {
    const guest = await running(LARGE);
    const { save, dom0, stubdom } = await inTheMiddle(guest);
    save.child.kill('SIGTERM');
    for (const pid of [stubdom, save.pid]) process.kill(pid, 'SIGTERM');
    process.kill(dom0, 'SIGCONT');
    expect(failureOf(await save.ended)).toMatchObject({ exit: 130, code: 'CANCELLED' });
    expect(scratch.has('first')).toBe(false);
    await resumesAndSaves(guest);
  });

  it('reports that QEMU has exited when QEMU is killed during the save, and leaves no file', async () => {
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

  it('refuses a machine with a device that would crash QEMU, and names the device', async () => {
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

  it('refuses a QEMU that waits for an incoming state', async () => {
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

  it('reports the socket that it cannot connect to', async () => {
    const ended = await stubferry(['--json', 'save', '--qmp', scratch.path('nobody'), '-o', scratch.path('state')]);
    expect(failureOf(ended)).toMatchObject({ exit: 60, code: 'QMP_UNREACHABLE', where: scratch.path('nobody') });
  });

  it('reports that another client may be connected when it receives no greeting', async () => {
    const guest = await running();
    const other = await QmpConnection.open(guest.qmpPath);
    await other.next();
    expect(failureOf(await stubferry(saveOf(guest, scratch.path('state'))))).toMatchObject({
      exit: 62,
      code: 'QMP_TIMEOUT',
      hint: expect.stringContaining('another client is connected'),
    });
    other.disconnect();
    await until('a free monitor', () => guest.runState().then((state) => state === 'running'));
    await resumesAndSaves(guest);
  });
});
