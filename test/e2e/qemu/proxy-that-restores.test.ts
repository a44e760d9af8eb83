/**
 * The stubdom agent as a proxy that restores at boot: it loads the state into QEMU first, then serves the toolstack.
 */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect, it, jest } from '@jest/globals';
import { type Agent, startAgent } from '../../support/agents/agent.js';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { stubferry } from '../../support/cli/run-stubferry.js';
import { useScratch } from '../../support/cli/scratch.js';
import {
  dom0Saving,
  type ProxyProcess,
  saveThrough,
  startProxy,
  until,
  untilEvent,
} from '../../support/qemu/behind-the-proxy.js';
import { fileOf } from '../../support/qemu/command-line.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { failureOf, Toolstack } from '../../support/qemu/toolstack.js';

/** A test runs several QEMUs with software emulation, in parallel with other tests. */
jest.setTimeout(120_000);

describeWith([A_QEMU], 'a proxy with --incoming', () => {
  const scratch = useScratch();
  const PC = ['-machine', 'pc'];

  /** Saves a guest and kills it. Returns its last count and the file of its RAM. */
  async function savedGuest(): Promise<{ count: number; memory: string }> {
    const first = await startMachine({ folder: scratch.folder, name: 'first', machine: PC });
    await first.untilCounting(3);
    const saved = await stubferry(['save', '--qmp', first.qmpPath, '-o', scratch.path('state'), ...scratch.options]);
    expect(saved.stderr).toBe('');
    const count = first.counter();
    await first.kill();
    return { count, memory: first.memory };
  }

  /** Starts a QEMU that waits for the state of such a guest, behind a proxy. */
  async function restoring(
    machine: readonly string[],
  ): Promise<{ count: number; second: Machine; proxy: ProxyProcess }> {
    const { count, memory } = await savedGuest();
    const fifo = scratch.fifo('incoming');
    const waiting = { name: 'second', machine, memory, incoming: `exec:cat ${fifo}` };
    const second = await startMachine({ folder: scratch.folder, ...waiting });
    const proxy = await startProxy(scratch, second, ['--incoming', fifo, '--qemu-log', second.logPath], 'debug');
    return { count, second, proxy };
  }

  const dom0Restoring = (): Agent => {
    return startAgent('dom0', ['--disk', scratch.disk(), '--restore', scratch.path('state')]);
  };

  it('restores, then serves a toolstack that has waited, and saves the guest again', async () => {
    const { count, second, proxy } = await restoring(PC);
    const early = new Toolstack(proxy.socket).operation([{ execute: 'query-status' }]);
    const dom0 = dom0Restoring();
    expect((await early).replies.at(-1)?.return).toMatchObject({ status: 'running' });
    expect((await dom0.end).exit).toBe(0);
    await second.untilCounting();
    expect(second.counts()[0]).toBe(count + 1);
    const saving = await dom0Saving(scratch, scratch.path('again'));
    expect(failureOf(await saveThrough(proxy))).toBeUndefined();
    expect((await saving.end).exit).toBe(0);
  });

  it('serves the toolstack before the warm-up, because the guest is stopped until `cont`', async () => {
    const { proxy } = await restoring(PC);
    const messages: string[] = [];
    const log = createInterface({ input: proxy.agent.child.stderr as Readable });
    log.on('line', (line) => messages.push((JSON.parse(line) as { msg: string }).msg));
    const early = new Toolstack(proxy.socket).operation([{ execute: 'cont' }]);
    await dom0Restoring().end;
    await early;
    await until('a warm-up', () => messages.includes('the warm-up is done'));
    expect(messages.indexOf('toolstack connected')).toBeLessThan(messages.indexOf('the warm-up is done'));
    expect(messages).toContain('toolstack connected');
  });

  it("exits when QEMU refuses the state, and the dom0 agent receives QEMU's own error", async () => {
    const { proxy } = await restoring(['-machine', 'q35']);
    const dom0 = dom0Restoring();
    const { error } = await dom0.end;
    expect(error).toMatchObject({ code: 'PEER_ABORTED', found: 'LOAD_FAILED' });
    expect(error?.message).toMatch(
      /^the receiver gave up: LOAD_FAILED: QEMU did not load the state: .*load of migration failed: Invalid argument$/,
    );
    expect((await proxy.agent.end).error?.code).toBe('LOAD_FAILED');
  });

  it('finds its disk before QEMU starts, and loads the state into the QEMU that starts later', async () => {
    const { count, memory } = await savedGuest();
    const waiting = { folder: scratch.folder, name: 'second', machine: PC, memory };
    const socket = scratch.path('incoming.sock');
    const proxy = await startProxy(scratch, { qmpPath: fileOf(waiting, 'qmp') }, ['--incoming', socket]);
    const dom0 = dom0Restoring();
    await Promise.all([dom0.ready, proxy.agent.ready]);
    const second = await startMachine({ ...waiting, incoming: `unix:${socket}` });
    await second.untilCounting();
    expect(second.counts()[0]).toBe(count + 1);
    expect((await dom0.end).exit).toBe(0);
  });

  it('exits, and the dom0 agent receives the reason, when the QEMU that starts later waits for no state', async () => {
    const { memory } = await savedGuest();
    const running = { folder: scratch.folder, name: 'second', machine: PC, memory };
    const proxy = await startProxy(scratch, { qmpPath: fileOf(running, 'qmp') }, [
      '--incoming',
      scratch.path('socket'),
    ]);
    const dom0 = dom0Restoring();
    await Promise.all([dom0.ready, proxy.agent.ready]);
    await startMachine(running);
    expect((await proxy.agent.end).error?.code).toBe('QEMU_UNSUITED');
    expect((await dom0.end).error).toMatchObject({ code: 'PEER_ABORTED', found: 'QEMU_UNSUITED' });
  });

  it('exits at SIGTERM while it waits for QEMU, and the dom0 agent receives the reason', async () => {
    await savedGuest();
    const proxy = await startProxy(scratch, { qmpPath: scratch.path('never.qmp') }, [
      '--incoming',
      scratch.path('socket'),
    ]);
    const dom0 = dom0Restoring();
    await Promise.all([dom0.ready, proxy.agent.ready]);
    proxy.agent.child.kill('SIGTERM');
    expect((await proxy.agent.end).error?.code).toBe('CANCELLED');
    expect((await dom0.end).error).toMatchObject({ code: 'PEER_ABORTED', found: 'CANCELLED' });
  });

  it('exits immediately when its QEMU waits for no state, although no disk was attached', async () => {
    const running = await startMachine({ folder: scratch.folder, name: 'running', machine: PC });
    const incoming = ['--incoming', scratch.fifo('incoming'), '--attach-timeout', '10m'];
    const proxy = await startProxy(scratch, running, incoming);
    expect((await proxy.agent.end).error?.code).toBe('QEMU_UNSUITED');
  });

  it('exits when no disk is attached for the restore', async () => {
    const first = await startMachine({
      folder: scratch.folder,
      name: 'first',
      machine: PC,
      incoming: 'exec:sleep 100',
    });
    const incoming = ['--incoming', scratch.fifo('incoming')];
    const proxy = await startProxy(scratch, first, [...incoming, '--attach-timeout', '500ms']);
    await untilEvent(proxy.agent, 'listening');
    expect((await proxy.agent.end).error?.code).toBe('DISK_ABSENT');
    expect(await first.runState()).toBe('inmigrate');
  });
});
