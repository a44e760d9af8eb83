/** How a QEMU that receives a state reports the result: through its monitor, or by its exit and its log. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { IncomingQemu } from '../../../../src/qemu/index.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { type Script, type ScriptedQemu, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { NEVER, stage } from '../../../support/qmp/stage.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';

describe('IncomingQemu', () => {
  const { scratch, qemu: startQemu } = stage();
  const time = passingTime();
  let loading: { status?: string; 'error-desc'?: string } = {};
  let guest = 'inmigrate';

  async function waiting(script: Script = {}, log?: string): Promise<{ qemu: ScriptedQemu; incoming: IncomingQemu }> {
    loading = {};
    guest = 'inmigrate';
    const qemu = await startQemu({
      'query-status': () => ({ status: guest, running: guest === 'running' }),
      'query-migrate': () => loading,
      ...script,
    });
    return { qemu, incoming: await connect(log) };
  }

  function connect(log?: string): Promise<IncomingQemu> {
    return IncomingQemu.connect({ qmp: scratch('qmp.sock'), log, waitMs: 0, signal: NEVER });
  }

  it.each(['running', 'paused'])('reports the run state after the load: %s', async (status) => {
    const { incoming } = await waiting();
    const loaded = incoming.untilLoaded();
    loading = { status: 'active' };
    await settled(20);
    expect(await isPending(loaded)).toBe(true);
    guest = status;
    loading = { status: 'completed' };
    await expect(loaded).resolves.toBe(status);
    incoming.close();
  });

  it.each(['', 'qemu: nonsense\n'])(
    'rejects with LOAD_FAILED and the reason in query-migrate, with %j in the log',
    async (logged) => {
      writeFileSync(scratch('log'), '');
      const { incoming } = await waiting({}, scratch('log'));
      appendFileSync(scratch('log'), logged);
      loading = { status: 'failed', 'error-desc': 'Invalid device' };
      await expect(incoming.untilLoaded()).rejects.toMatchObject({
        code: 'LOAD_FAILED',
        message: 'QEMU did not load the state: Invalid device',
        details: {
          where: scratch('qmp.sock'),
          found: 'a failed migration',
        },
      });
      incoming.close();
    },
  );

  it('rejects with LOAD_FAILED and the log when query-migrate contains no reason', async () => {
    writeFileSync(scratch('log'), 'before\n');
    const { incoming } = await waiting({}, scratch('log'));
    appendFileSync(scratch('log'), 'qemu: Unknown savevm section\nqemu: load failed \u001b[2J\n');
    loading = { status: 'failed' };
    await expect(incoming.untilLoaded()).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: 'QEMU did not load the state: qemu: Unknown savevm section; qemu: load failed \\u{1b}[2J',
    });
    incoming.close();
  });

  it('rejects with LOAD_FAILED and the log when QEMU exits', async () => {
    const { qemu, incoming } = await waiting({}, scratch('log'));
    const loaded = incoming.untilLoaded();
    loaded.catch(() => undefined);
    writeFileSync(scratch('log'), 'qemu: Missing section footer for timer\n');
    await qemu.hangUp();
    await expect(loaded).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: 'QEMU did not load the state: qemu: Missing section footer for timer',
      details: { found: 'QEMU has ended' },
      cause: { code: 'QEMU_GONE' },
    });
  });

  it.each([
    ['without a log', undefined],
    ['with an empty log', 'log'],
  ])('rejects with LOAD_FAILED and a hint when QEMU exits %s', async (_what, log) => {
    const { qemu, incoming } = await waiting({}, log === undefined ? undefined : scratch(log));
    const loaded = incoming.untilLoaded();
    loaded.catch(() => undefined);
    await qemu.hangUp();
    await expect(loaded).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: 'QEMU did not load the state',
      details: {
        where: scratch('qmp.sock'),
        found: 'QEMU has ended',
        hint: expect.stringContaining('--qemu-log'),
      },
    });
  });

  it('rejects with LOAD_FAILED when QEMU exits before it reports the run state', async () => {
    const { incoming } = await waiting({
      'query-status': async (_command, qemu) => {
        if (loading.status !== 'completed') return { status: guest, running: false };
        await qemu.hangUp();
        return SILENCE;
      },
    });
    loading = { status: 'completed' };
    await expect(incoming.untilLoaded()).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      details: { found: 'QEMU has ended' },
    });
  });

  it('rejects with QMP_PROTOCOL, not LOAD_FAILED, for an unexpected reply', async () => {
    const { incoming } = await waiting({ 'query-migrate': () => ({ status: 7 }) });
    await expect(incoming.untilLoaded()).rejects.toMatchObject({ code: 'QMP_PROTOCOL' });
    incoming.close();
  });

  it('sets no limit for a reply during the load', async () => {
    let reply: () => void = () => undefined;
    const { qemu, incoming } = await waiting({
      'query-migrate': () =>
        new Promise((resolve) => {
          reply = () => resolve({ status: 'completed' });
        }),
    });
    time.stop();
    const loaded = incoming.untilLoaded();
    await until(() => qemu.names.includes('query-migrate'));
    expect(time.waiting()).toBe(0);
    guest = 'paused';
    reply();
    await expect(loaded).resolves.toBe('paused');
    incoming.close();
  });

  it.each(['running', 'paused', 'postmigrate', 'prelaunch'])(
    'rejects with QEMU_UNSUITED for a QEMU that is %s',
    async (status) => {
      const qemu = await startQemu({ 'query-status': () => ({ status, running: status === 'running' }) });
      await expect(connect()).rejects.toMatchObject({
        code: 'QEMU_UNSUITED',
        message: 'QEMU does not wait for an incoming state',
        details: {
          where: scratch('qmp.sock'),
          expected: 'inmigrate: a QEMU that was started with -incoming',
          found: status,
        },
      });
      await until(() => qemu.present === 0);
    },
  );

  it('rejects with QMP_UNREACHABLE when there is no QEMU', async () => {
    await expect(connect()).rejects.toMatchObject({ code: 'QMP_UNREACHABLE' });
  });

  it('disconnects from QEMU when it is closed', async () => {
    const { qemu, incoming } = await waiting({ 'query-migrate': () => SILENCE });
    incoming.close();
    await until(() => qemu.present === 0);
  });
});
