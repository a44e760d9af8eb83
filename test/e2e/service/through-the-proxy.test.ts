/**
 * All parts except Xen: a toolstack saves through the QMP proxy of a stubdom. The stubdom agent requests a disk through
 * a real xenstored, and the service attaches one. A restore requests its disk in the same way.
 */
import { copyFileSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { TransferView } from '../../../src/service/index.js';
import type { Agent } from '../../support/agents/agent.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { documentOf, stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import { type ProxyProcess, saveThrough, until, untilEvent } from '../../support/qemu/behind-the-proxy.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { failureOf, Toolstack } from '../../support/qemu/toolstack.js';
import { type Pair, ServiceStage } from '../../support/service/stage.js';
import { XENSTORED } from '../../support/xenstore/xenstored.js';

jest.setTimeout(120_000);

const MACHINE = ['-machine', 'pc'];

describeWith([A_QEMU, ...XENSTORED], 'a toolstack, with disks requested through xenstore', () => {
  const scratch = useScratch();
  let stage: ServiceStage;
  beforeEach(async () => {
    stage = await ServiceStage.open();
  });
  afterEach(() => stage.close());

  async function startProxy(pair: Pair, machine: Machine, ...more: readonly string[]): Promise<ProxyProcess> {
    const socket = stage.path(`proxy-${pair.stubdom}.sock`);
    const paths = ['--qmp-proxy', socket, '--qmp', machine.qmpPath, '--fifo-dir', scratch.folder];
    const agent = stage.stubdom(pair, ...paths, '--attach-timeout', '3s', ...more);
    await untilEvent(agent, 'listening');
    return { socket, agent };
  }

  it('finds the saved state, and the guest continues to count in another domain', async () => {
    await stage.service();
    const first = await startMachine({ folder: scratch.folder, name: 'first', machine: MACHINE });
    await first.untilCounting(3);
    const proxy = await startProxy(await stage.pair(7, 3), first);
    expect(failureOf(await saveThrough(proxy))).toBeUndefined();
    const count = first.counter();
    await first.kill();

    copyFileSync(stage.path('state/qemu-save.3'), stage.path('state/qemu-resume.4'));
    const incoming = scratch.fifo('incoming');
    const waiting = { name: 'second', machine: MACHINE, memory: first.memory, incoming: `exec:cat ${incoming}` };
    const second = await startMachine({ folder: scratch.folder, ...waiting });
    await startProxy(await stage.pair(8, 4), second, '--incoming', incoming, '--qemu-log', second.logPath);
    await second.untilCounting();
    expect(second.counts()[0]).toBe(count + 1);
    await stage.untilIdle();
    expect((await stage.transfers()).map(({ direction, error }) => [direction, error])).toEqual([
      ['save', undefined],
      ['restore', undefined],
    ]);
    expect(await stage.remaining()).toEqual([]);
  });

  it('uses the pre-attached disk without a request; the next save requests a disk', async () => {
    await stage.service();
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINE });
    await guest.untilCounting(3);
    const pair = await stage.pair(7, 3);
    const proxy = await startProxy(pair, guest, '--log-level', 'info');
    const { transfer } = documentOf<{ transfer: TransferView }>(
      await stubferry(['prepare', '3', '--json', '--control', stage.control]),
    ).transfer;
    await until('the proxy holds the disk', async () => (await lockHolders()).includes(proxy.agent.pid));
    expect(failureOf(await saveThrough(proxy))).toBeUndefined();
    expect(await stage.xenstore.read('/local/domain/7/data/stubferry/answer')).toBeUndefined();
    await stage.untilIdle();
    expect((await stage.transfers()).map((one) => [one.transfer, one.error])).toEqual([[transfer, undefined]]);
    expect(await stage.xenstore.read('/local/domain/7/data/stubferry/offer')).toBeUndefined();
    expect(failureOf(await saveThrough(proxy))).toBeUndefined();
    expect(await stage.xenstore.read('/local/domain/7/data/stubferry/answer')).toContain('attached');
  });

  it('uses the disk that is being pre-attached while it requests one, whichever is first', async () => {
    await stage.service();
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINE });
    await guest.untilCounting(3);
    const proxy = await startProxy(await stage.pair(7, 3), guest);
    for (const ms of [0, 2, 4, 6, 8, 12, 16, 24]) {
      const prepared = stage.prepare(3);
      await delay(ms);
      expect(failureOf(await saveThrough(proxy))).toBeUndefined();
      await prepared;
      await stage.untilIdle();
    }
  });

  it('requests another disk when the pre-attached one was aborted', async () => {
    await stage.service();
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINE });
    await guest.untilCounting(3);
    const proxy = await startProxy(await stage.pair(7, 3), guest);
    const { transfer } = documentOf<{ transfer: TransferView }>(
      await stubferry(['prepare', '3', '--json', '--control', stage.control]),
    ).transfer;
    await stubferry(['abort', transfer, '--control', stage.control]);
    expect(failureOf(await saveThrough(proxy))).toBeUndefined();
    expect((await stage.transfers()).map((one) => one.error?.code)).toEqual(['CANCELLED', undefined]);
  });

  it('receives the reason when no service replies; the guest resumes, and a later save succeeds', async () => {
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINE });
    await guest.untilCounting(3);
    const proxy = await startProxy(await stage.pair(7, 3), guest);
    expect(failureOf(await saveThrough(proxy))).toBe(
      'stubferry: dom0 does not reply to the request for a transfer disk [REQUEST_UNANSWERED]; ' +
        'at /local/domain/7/data/stubferry/request; expected a reply within 3000 ms; found none; ' +
        'is the stubferry service running in dom0 (systemctl status stubferry, or: stubferry status)?',
    );
    await new Toolstack(proxy.socket).resume();
    await guest.untilCounting();
    await stage.service();
    expect(failureOf(await saveThrough(proxy))).toBeUndefined();
    expect(stage.saved(3)?.toString('latin1', 0, 4)).toBe('QEVM');
  });

  it('receives the reason when the state exceeds the limit of dom0', async () => {
    await stage.service('--max-state', '4K');
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINE });
    const proxy = await startProxy(await stage.pair(7, 3), guest);
    expect(failureOf(await saveThrough(proxy))).toMatch(
      /^stubferry: the state is larger than the superblock allows \[LIMIT_EXCEEDED\]/,
    );
    expect(stage.saved(3)).toBeUndefined();
  });

  it('receives the reason when the service is killed in the middle of a save, and can save again', async () => {
    const service: Agent = await stage.service();
    const guest = await startMachine({ folder: scratch.folder, name: 'guest', machine: MACHINE });
    const proxy = await startProxy(await stage.pair(7, 3), guest, '--peer-timeout', '1s');
    const save = saveThrough(proxy);
    await untilEvent(proxy.agent, 'ready');
    service.child.kill('SIGKILL');
    await stage.service();
    const failure = failureOf(await save);
    // The save may have completed before the service was killed.
    if (failure !== undefined)
      expect(failure).toMatch(/\[(PEER_DEAD|PEER_RESTARTED|PEER_ABORTED|PEER_ABSENT|REQUEST_UNANSWERED)\]/);
    if (failure !== undefined) expect(failureOf(await saveThrough(proxy))).toBeUndefined();
    expect(stage.saved(3)?.toString('latin1', 0, 4)).toBe('QEVM');
  });
});

/** The process ids that hold a lock of flock(2). */
async function lockHolders(): Promise<number[]> {
  return [...readFileSync('/proc/locks', 'utf8').matchAll(/FLOCK .*? (?<pid>\d+) [0-9a-f]+:/g)].map(({ groups }) =>
    Number(groups?.['pid']),
  );
}
