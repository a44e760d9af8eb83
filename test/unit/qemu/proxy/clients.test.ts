/** The proxy serves one toolstack at a time, like QEMU's own monitor, but it sends every refused client an error. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

describe('a second toolstack', () => {
  const { scratch, qemu: startQemu, proxy: startProxy, toolstack, news } = stage();

  it('receives an error, and the first one is not disturbed', async () => {
    const qemu = await startQemu({ stop: () => ({}) });
    await startProxy();
    const first = await toolstack();
    await first.receives(GREETING);
    const second = await toolstack();
    await second.untilEnded();
    expect(second.text).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: another client is connected to this monitor; it serves ' +
        `one at a time [PROXY_UNUSABLE]; at ${scratch('qmp-proxy.sock')}; try again when the other client has disconnected"}}\r\n`,
    );
    await first.command('stop', undefined, 1);
    await first.receives('{"return":{},"id":1}');
    expect(qemu.visits).toBe(1);
    expect(news).toEqual(['connected', 'refused']);
  });

  it('that connects the moment the first disconnects is served', async () => {
    const qemu = await startQemu();
    await startProxy();
    for (let turn = 0; turn < 20; turn += 1) {
      const client = await toolstack();
      await client.receives(GREETING);
      client.leave();
    }
    expect(qemu.visits).toBe(20);
    expect(news).not.toContain('refused');
  });

  it('that connects before the first disconnects is served when the first disconnects soon', async () => {
    await startQemu();
    await startProxy();
    const first = await toolstack();
    await first.receives(GREETING);
    const second = await toolstack();
    await settled(20);
    expect(second.text).toBe('');
    first.leave();
    await second.receives(GREETING);
    expect(news).not.toContain('refused');
  });

  it('may disconnect while it waits, and does not block the next one', async () => {
    const qemu = await startQemu();
    await startProxy();
    const first = await toolstack();
    await first.receives(GREETING);
    const second = await toolstack();
    await settled(20);
    second.leave();
    await settled(20);
    first.leave();
    await until(() => qemu.present === 0);
    const third = await toolstack();
    await third.receives(GREETING);
    expect(news).toEqual(['connected', 'disconnected', 'connected']);
  });

  it('is served alone when several wait: the others receive an error', async () => {
    await startQemu();
    await startProxy();
    const first = await toolstack();
    await first.receives(GREETING);
    const others = [await toolstack(), await toolstack(), await toolstack()];
    await settled(20);
    first.leave();
    await until(() => others.filter(({ text }) => text === GREETING).length === 1);
    await until(() => others.filter(({ ended, text }) => ended && text.includes('[PROXY_UNUSABLE]')).length === 2);
  });

  it('is served after a first one that disconnected during a save', async () => {
    const qemu = await startQemu();
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const first = await toolstack();
    await first.send(SAVE);
    const { request, fail } = await saves.save();
    first.leave();
    await until(() => request.signal.aborted);
    const second = await toolstack();
    await settled(10);
    second.leave();
    const third = await toolstack();
    await settled(10);
    fail(new StubferryError('CANCELLED', 'cancelled'));
    await third.receives(GREETING);
    await until(() => qemu.present === 1);
    expect(news).not.toContain('refused');
  });
});

describe('a toolstack without a QEMU', () => {
  const { scratch, qemu: startQemu, proxy: startProxy, toolstack, news } = stage();
  const time = passingTime();

  it('receives an error', async () => {
    await startProxy();
    const client = await toolstack();
    await client.untilEnded();
    expect(client.text).toBe(
      `{"error": {"class":"GenericError","desc":"stubferry: cannot connect to QEMU's monitor [QMP_UNREACHABLE]; at ` +
        `${scratch('qmp.sock')}; expected the unix socket of a QEMU that was started with '-qmp unix:PATH,server=on,` +
        'wait=off\'; found ENOENT; is QEMU running?"}}\r\n',
    );
    expect(news).toEqual([]);
  });

  it('is served, with all commands that it has sent, when QEMU starts within the limit', async () => {
    await startProxy(undefined, { waitMs: 20_000 });
    const client = await toolstack();
    await client.send('{"execute": "qmp_capabilities", "id": 1}\r\n');
    await settled();
    expect(client.text).toBe('');
    await startQemu();
    await client.receives(`${GREETING}{"return":{},"id":1}\r\n`);
  });

  it('may disconnect, and does not block the next one', async () => {
    await startProxy(undefined, { waitMs: 20_000 });
    const first = await toolstack();
    await settled(10);
    first.leave();
    await settled(10);
    const second = await toolstack();
    await settled(10);
    const third = await toolstack();
    await third.untilEnded();
    expect(third.text).toContain('[PROXY_UNUSABLE]');
    expect(second.ended).toBe(false);
    await startQemu();
    await second.receives(GREETING);
  });

  it('may disconnect, and leaves no timer behind when the proxy stops waiting for QEMU', async () => {
    await startProxy(undefined, { waitMs: 50 });
    const first = await toolstack();
    await settled(10);
    first.leave();
    await settled(10);
    time.stop();
    const second = await toolstack();
    await second.untilEnded();
    expect(second.text).toContain('[QMP_UNREACHABLE]');
    await until(() => time.waiting() === 0);
  });
});
