/** The proxy's agent at the boot of a stubdom that restores: QEMU is fed first, the toolstack is served when QEMU runs. */
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
  untilTold,
} from '../../support/qemu/behind-the-proxy.js';
import { fileOf } from '../../support/qemu/command-line.js';
import { type Machine, startMachine } from '../../support/qemu/machine.js';
import { A_QEMU } from '../../support/qemu/needs.js';
import { failureOf, Toolstack } from '../../support/qemu/toolstack.js';

/** Several QEMUs in turn, in software, beside other tests. */
jest.setTimeout(120_000);

describeWith([A_QEMU], 'a proxy with --incoming', () => {
  const scratch = useScratch();
  const PC = ['-machine', 'pc'];

  /** A guest that was saved and is gone: what it had counted to, and the file that is its RAM. */
  async function savedGuest(): Promise<{ count: number; memory: string }> {
    const first = await startMachine({ folder: scratch.folder, name: 'first', machine: PC });
    await first.untilCounting(3);
    const saved = await stubferry(['save', '--qmp', first.qmpPath, '-o', scratch.path('state'), ...scratch.options]);
    expect(saved.stderr).toBe('');
    const count = first.counter();
    await first.kill();
    return { count, memory: first.memory };
  }

  /** And a QEMU that waits for its state, behind a proxy. */
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

  it('restores, serves a toolstack that has waited meanwhile, and saves the guest again', async () => {
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

  it('serves the toolstack before it warms up transfers: until `cont` the guest stands still', async () => {
    const { proxy } = await restoring(PC);
    const told: string[] = [];
    const log = createInterface({ input: proxy.agent.child.stderr as Readable });
    log.on('line', (line) => told.push((JSON.parse(line) as { msg: string }).msg));
    const early = new Toolstack(proxy.socket).operation([{ execute: 'cont' }]);
    await dom0Restoring().end;
    await early;
    await until('a warm-up', () => told.includes('the warm-up is done'));
    expect(told.indexOf('toolstack connected')).toBeLessThan(told.indexOf('the warm-up is done'));
    expect(told).toContain('toolstack connected');
  });

  it("ends when QEMU refuses the state, and dom0 hears QEMU's own sentence", async () => {
    const { proxy } = await restoring(['-machine', 'q35']);
    const dom0 = dom0Restoring();
    const { error } = await dom0.end;
    expect(error).toMatchObject({ code: 'PEER_ABORTED', found: 'LOAD_FAILED' });
    expect(error?.message).toMatch(
      /^the receiver gave up: LOAD_FAILED: QEMU did not load the state: .*load of migration failed: Invalid argument$/,
    );
    expect((await proxy.agent.end).error?.code).toBe('LOAD_FAILED');
  });

  it('finds its disk before there is a QEMU, and feeds the one that comes', async () => {
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

  it('ends, and dom0 hears why, when the QEMU that comes waits for no state', async () => {
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

  it('ends at SIGTERM while it waits for QEMU on the disk, and dom0 hears of it', async () => {
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

  it('ends at once when its QEMU waits for no state, though no disk has come', async () => {
    const running = await startMachine({ folder: scratch.folder, name: 'running', machine: PC });
    const incoming = ['--incoming', scratch.fifo('incoming'), '--attach-timeout', '10m'];
    const proxy = await startProxy(scratch, running, incoming);
    expect((await proxy.agent.end).error?.code).toBe('QEMU_UNSUITED');
  });

  it('ends when no disk comes for the restore', async () => {
    const first = await startMachine({
      folder: scratch.folder,
      name: 'first',
      machine: PC,
      incoming: 'exec:sleep 100',
    });
    const incoming = ['--incoming', scratch.fifo('incoming')];
    const proxy = await startProxy(scratch, first, [...incoming, '--attach-timeout', '500ms']);
    await untilTold(proxy.agent, 'listening');
    expect((await proxy.agent.end).error?.code).toBe('DISK_ABSENT');
    expect(await first.runState()).toBe('inmigrate');
  });
});
