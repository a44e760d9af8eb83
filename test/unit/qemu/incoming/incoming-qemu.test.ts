/** What a QEMU that was given a state says of it: by its monitor, or by its end and its log. */
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

  it.each(['running', 'paused'])('that has completed is %s', async (status) => {
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
    'that says why it failed is LOAD_FAILED with that, with %j in its log',
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
          hint: 'was the state saved from this machine type, with these devices, by this version of QEMU or an older one?',
        },
      });
      incoming.close();
    },
  );

  it('that failed without a word is LOAD_FAILED with its log', async () => {
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

  it('that ends is LOAD_FAILED with its log', async () => {
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
    ['with nothing in its log', 'log'],
  ])('that ends %s is LOAD_FAILED, and what to do is said', async (_what, log) => {
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
        hint: 'QEMU says why on its standard error: name the file that it goes to with --qemu-log',
      },
    });
  });

  it('that ends before it says what the guest does is LOAD_FAILED', async () => {
    const { incoming } = await waiting({
      'query-status': async (_asked, qemu) => {
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

  it('that answers something else is QMP_PROTOCOL, not LOAD_FAILED', async () => {
    const { incoming } = await waiting({ 'query-migrate': () => ({ status: 7 }) });
    await expect(incoming.untilLoaded()).rejects.toMatchObject({ code: 'QMP_PROTOCOL' });
    incoming.close();
  });

  it('may take as long as it likes to answer while it loads', async () => {
    let answer: () => void = () => undefined;
    const { qemu, incoming } = await waiting({
      'query-migrate': () =>
        new Promise((resolve) => {
          answer = () => resolve({ status: 'completed' });
        }),
    });
    time.stop();
    const loaded = incoming.untilLoaded();
    await until(() => qemu.names.includes('query-migrate'));
    expect(time.waiting()).toBe(0);
    guest = 'paused';
    answer();
    await expect(loaded).resolves.toBe('paused');
    incoming.close();
  });

  it.each(['running', 'paused', 'postmigrate', 'prelaunch'])('that is %s already is QEMU_UNSUITED', async (status) => {
    const qemu = await startQemu({ 'query-status': () => ({ status, running: status === 'running' }) });
    await expect(connect()).rejects.toMatchObject({
      code: 'QEMU_UNSUITED',
      message: 'QEMU does not wait for a state',
      details: {
        where: scratch('qmp.sock'),
        expected: 'inmigrate: a QEMU that was started with -incoming',
        found: status,
        hint: 'start QEMU with -incoming, and restore into it once',
      },
    });
    await until(() => qemu.present === 0);
  });

  it('that is not there is QMP_UNREACHABLE', async () => {
    await expect(connect()).rejects.toMatchObject({ code: 'QMP_UNREACHABLE' });
  });

  it('that is not wanted any more is let go of', async () => {
    const { qemu, incoming } = await waiting({ 'query-migrate': () => SILENCE });
    incoming.close();
    await until(() => qemu.present === 0);
  });
});
