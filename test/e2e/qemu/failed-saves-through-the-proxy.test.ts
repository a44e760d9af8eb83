/**
 * Whatever fails in a save, the toolstack receives the reason as the reply to its command, the guest can be resumed,
 * and the next save succeeds.
 */
import { readdirSync, unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { expect, it, jest } from '@jest/globals';
import type { Agent } from '../../support/agents/agent.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { useScratch } from '../../support/cli/scratch.js';
import {
  dom0Saving,
  type ProxyProcess,
  resumesAndSaves,
  saveThrough,
  startProxy,
  until,
  untilEvent,
} from '../../support/qemu/behind-the-proxy.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { QmpConnection } from '../../support/qemu/qmp-connection.js';
import { failureOf, Toolstack } from '../../support/qemu/toolstack.js';

/** A test runs several QEMUs with software emulation, in parallel with other tests. */
jest.setTimeout(120_000);

const scratch = useScratch();

/** 1.6 MB of state: more than a pipe and the smallest ring can hold, so that QEMU blocks in the middle of the save. */
const LARGE = ['-machine', 'pc', ...Array.from({ length: 8 }, () => ['-device', 'e1000,romfile=']).flat()];
const SMALL = ['-machine', 'pc'];
const SMALL_RING = ['--ring', '64K', '--frame', '16K', '--raw'];

async function guestAndProxy(machine = SMALL, more: readonly string[] = []): Promise<[Machine, ProxyProcess]> {
  const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine });
  await guest.untilCounting();
  return [guest, await startProxy(scratch, guest, more)];
}

/** Kills an agent and removes its disk, which no other process removes in these tests. */
async function killed(agent: Agent): Promise<void> {
  agent.child.kill('SIGKILL');
  await agent.ended;
  await unlink(scratch.disk());
  await unlink(`${scratch.disk()}.stubdom-lock`).catch(() => undefined);
}

/** Removes the temporary files that a killed dom0 agent has left. */
function removeTemporaryFiles(): void {
  for (const name of readdirSync(scratch.folder)) if (name.endsWith('.part')) unlinkSync(scratch.path(name));
}

/** Waits until the ring is full while the dom0 agent is stopped, so that QEMU is in the middle of writing. */
async function inTheMiddle(proxy: ProxyProcess, dom0: Agent): Promise<void> {
  await untilEvent(proxy.agent, 'progress');
  expect(dom0.events.some(({ event }) => event === 'publishing')).toBe(false);
}

describeWith([A_QEMU], 'a save through the proxy fails, and the guest can be resumed and saved again', () => {
  it('when the disk never appears', async () => {
    const [guest, proxy] = await guestAndProxy(SMALL, ['--attach-timeout', '500ms']);
    expect(failureOf(await saveThrough(proxy))).toBe(
      `stubferry: the transfer disk did not become usable [DISK_ABSENT]; at ${scratch.disk()}; ` +
        'expected a transfer disk within 500 ms; found DISK_ABSENT: the transfer disk does not exist; ' +
        'is the dom0 agent running, and did it attach the disk to this domain?',
    );
    await resumesAndSaves(scratch, guest, proxy);
  });

  it('when the dom0 agent was killed before the data phase and has left its disk', async () => {
    const [guest, proxy] = await guestAndProxy(SMALL, ['--peer-timeout', '1s']);
    const dom0 = await dom0Saving(scratch, scratch.path('first'), ['--raw']);
    dom0.child.kill('SIGKILL');
    await dom0.ended;
    expect(failureOf(await saveThrough(proxy))).toMatch(/^stubferry: the receiver stopped \[PEER_DEAD\]; /);
    await killed(dom0);
    removeTemporaryFiles();
    await resumesAndSaves(scratch, guest, proxy);
    expect(scratch.has('first')).toBe(false);
  });

  it('when the dom0 agent is killed during the data phase, with QEMU in the middle of writing', async () => {
    const [guest, proxy] = await guestAndProxy(LARGE, ['--peer-timeout', '1s']);
    const dom0 = await dom0Saving(scratch, scratch.path('first'), SMALL_RING);
    dom0.child.kill('SIGSTOP');
    const save = saveThrough(proxy);
    await inTheMiddle(proxy, dom0);
    await killed(dom0);
    expect(failureOf(await save)).toMatch(/^stubferry: the receiver stopped \[PEER_DEAD\]; /);
    removeTemporaryFiles();
    await resumesAndSaves(scratch, guest, proxy);
    expect(scratch.has('first')).toBe(false);
  });

  it('when the dom0 agent is killed after the data phase, before it commits', async () => {
    const [guest, proxy] = await guestAndProxy(SMALL, ['--peer-timeout', '1s']);
    // Without a reader of the FIFO, the dom0 agent verifies the state but cannot reach COMMITTED.
    const dom0 = await dom0Saving(scratch, scratch.fifo('nobody-reads'), ['--raw']);
    const save = saveThrough(proxy);
    await until('VERIFIED on the disk', () =>
      dom0.events.some((one) => one.event === 'phase' && one.phase === 'verified'),
    );
    await killed(dom0);
    expect(failureOf(await save)).toMatch(/^stubferry: the receiver stopped \[PEER_DEAD\]; .*verified/);
    await resumesAndSaves(scratch, guest, proxy);
  });

  it('when the destination is full', async () => {
    const [guest, proxy] = await guestAndProxy();
    const dom0 = await dom0Saving(scratch, '/dev/full', ['--raw']);
    expect(failureOf(await saveThrough(proxy))).toMatch(
      /^stubferry: the receiver gave up: DESTINATION_FULL: cannot write the destination: ENOSPC \[PEER_ABORTED\]; /,
    );
    expect((await dom0.end).error?.code).toBe('DESTINATION_FULL');
    await resumesAndSaves(scratch, guest, proxy);
  });

  it('when the toolstack disconnects while QEMU is in the middle of writing', async () => {
    const [guest, proxy] = await guestAndProxy(LARGE);
    const dom0 = await dom0Saving(scratch, scratch.path('first'), SMALL_RING);
    dom0.child.kill('SIGSTOP');
    const toolstack = await QmpConnection.open(proxy.socket);
    await toolstack.next();
    for (const execute of ['qmp_capabilities', 'stop']) {
      await toolstack.send(`${JSON.stringify({ execute, id: execute })}\r\n`);
      await toolstack.reply();
    }
    const save = { execute: 'xen-save-devices-state', arguments: { filename: '/dev/fdset/1' } };
    await toolstack.send(`${JSON.stringify(save)}\r\n`);
    await inTheMiddle(proxy, dom0);
    toolstack.disconnect();
    dom0.child.kill('SIGCONT');
    expect((await dom0.end).error).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the sender gave up: CANCELLED: the toolstack closed its connection in the middle of the save',
    });
    await resumesAndSaves(scratch, guest, proxy);
    expect(scratch.has('first')).toBe(false);
  });

  it('when QEMU cannot save one of its devices: it does not receive the command, and does not crash', async () => {
    const drive = ['-drive', `if=none,id=n,file=${scratch.fileOf('nvme.img', 1 << 20)},format=raw`];
    const [guest, proxy] = await guestAndProxy([...SMALL, ...drive, '-device', 'nvme,drive=n,serial=1,id=slow']);
    const dom0 = await dom0Saving(scratch, scratch.path('first'), ['--raw']);
    expect(failureOf(await saveThrough(proxy))).toMatch(
      /^stubferry: this machine has a device whose state QEMU cannot save \[QEMU_UNSUITED\]; .*non-migratable device: .*nvme/,
    );
    expect((await dom0.end).error?.code).toBe('PEER_ABORTED');
    expect(failureOf(await new Toolstack(proxy.socket).resume())).toBeUndefined();
    await guest.untilCounting();
  });
});

describeWith([A_QEMU], 'a save through the proxy', () => {
  it('succeeds when its FIFO was removed before, with a new FIFO', async () => {
    const [guest, proxy] = await guestAndProxy();
    const [folder] = readdirSync(scratch.folder).filter((name) => name.startsWith('stubferry-qemu-'));
    for (const name of readdirSync(scratch.path(`${folder}`))) unlinkSync(scratch.path(`${folder}/${name}`));
    await resumesAndSaves(scratch, guest, proxy);
  });

  it('leaves no file when QEMU is killed, and the toolstack receives an error', async () => {
    const [guest, proxy] = await guestAndProxy(LARGE);
    const dom0 = await dom0Saving(scratch, scratch.path('first'), SMALL_RING);
    dom0.child.kill('SIGSTOP');
    const save = saveThrough(proxy);
    await inTheMiddle(proxy, dom0);
    await guest.kill();
    dom0.child.kill('SIGCONT');
    expect(failureOf(await save)).toMatch(
      /^stubferry: QEMU closed its monitor in the middle of 'xen-save-devices-state' \[QEMU_GONE\]; /,
    );
    expect((await dom0.end).error?.code).toBe('PEER_ABORTED');
    expect(scratch.has('first')).toBe(false);
  });

  it('excludes other clients: a second one receives an error, and the first one is still served', async () => {
    const [, proxy] = await guestAndProxy();
    const first = await QmpConnection.open(proxy.socket);
    await first.next();
    const second = await QmpConnection.open(proxy.socket);
    expect(await second.next()).toEqual({
      error: {
        class: 'GenericError',
        desc:
          'stubferry: another client is connected to this monitor; it serves one at a time [PROXY_UNUSABLE]; ' +
          `at ${proxy.socket}; try again when the other client has disconnected`,
      },
    });
    expect(await second.next()).toBeUndefined();
    await first.send('{"execute":"qmp_capabilities","id":1}\r\n');
    expect(await first.reply()).toEqual({ return: {}, id: 1 });
    first.disconnect();
  });

  it('leaves no FIFO, socket or directory after the proxy has exited', async () => {
    const [guest, proxy] = await guestAndProxy();
    await resumesAndSaves(scratch, guest, proxy);
    proxy.agent.child.kill('SIGTERM');
    expect((await proxy.agent.end).error?.code).toBe('CANCELLED');
    await until('an empty directory', () => {
      return !readdirSync(scratch.folder).some((name) => /^(proxy\.sock|stubferry-)/.test(name));
    });
  });
});
