/** One toolstack at a time, as at QEMU's own monitor; but nobody is left without a word. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

describe('a second toolstack', () => {
  const { scratch, qemu: startQemu, proxy: startProxy, toolstack, news } = stage();

  it('is told that there is a first, and the first is not disturbed', async () => {
    const qemu = await startQemu({ stop: () => ({}) });
    await startProxy();
    const first = await toolstack();
    await first.hears(GREETING);
    const second = await toolstack();
    await second.untilEnded();
    expect(second.text).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: another client is connected to this monitor; it serves one ' +
        `at a time [GATE_UNUSABLE]; at ${scratch('qmp-proxy.sock')}; try again when the other one is done"}}\r\n`,
    );
    await first.command('stop', undefined, 1);
    await first.hears('{"return":{},"id":1}');
    expect(qemu.visits).toBe(1);
    expect(news).toEqual(['connected', 'refused']);
  });

  it('that comes the moment the first leaves is served', async () => {
    const qemu = await startQemu();
    await startProxy();
    for (let turn = 0; turn < 20; turn += 1) {
      const client = await toolstack();
      await client.hears(GREETING);
      client.leave();
    }
    expect(qemu.visits).toBe(20);
    expect(news).not.toContain('refused');
  });

  it('that came before the first has left is served when that leaves soon', async () => {
    await startQemu();
    await startProxy();
    const first = await toolstack();
    await first.hears(GREETING);
    const second = await toolstack();
    await settled(20);
    expect(second.text).toBe('');
    first.leave();
    await second.hears(GREETING);
    expect(news).not.toContain('refused');
  });

  it('may leave while it waits, and does not stand in the way of the next one', async () => {
    const qemu = await startQemu();
    await startProxy();
    const first = await toolstack();
    await first.hears(GREETING);
    const second = await toolstack();
    await settled(20);
    second.leave();
    await settled(20);
    first.leave();
    await until(() => qemu.present === 0);
    const third = await toolstack();
    await third.hears(GREETING);
    expect(news).toEqual(['connected', 'disconnected', 'connected']);
  });

  it('is one of several: the others are told', async () => {
    await startQemu();
    await startProxy();
    const first = await toolstack();
    await first.hears(GREETING);
    const others = [await toolstack(), await toolstack(), await toolstack()];
    await settled(20);
    first.leave();
    await until(() => others.filter(({ text }) => text === GREETING).length === 1);
    await until(() => others.filter(({ ended, text }) => ended && text.includes('[GATE_UNUSABLE]')).length === 2);
  });

  it('is served after one that left while the proxy was busy with a save', async () => {
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
    fail(new StubferryError('CANCELLED', 'not wanted'));
    await third.hears(GREETING);
    await until(() => qemu.present === 1);
    expect(news).not.toContain('refused');
  });
});

describe('a toolstack whose QEMU is not there', () => {
  const { scratch, qemu: startQemu, proxy: startProxy, toolstack, news } = stage();
  const time = passingTime();

  it('is told so', async () => {
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

  it('is served when QEMU comes within the patience of the proxy, with all that it has said', async () => {
    await startProxy(undefined, { waitMs: 20_000 });
    const client = await toolstack();
    await client.send('{"execute": "qmp_capabilities", "id": 1}\r\n');
    await settled();
    expect(client.text).toBe('');
    await startQemu();
    await client.hears(`${GREETING}{"return":{},"id":1}\r\n`);
  });

  it('may leave, and does not stand in the way of the next one', async () => {
    await startProxy(undefined, { waitMs: 20_000 });
    const first = await toolstack();
    await settled(10);
    first.leave();
    await settled(10);
    const second = await toolstack();
    await settled(10);
    const third = await toolstack();
    await third.untilEnded();
    expect(third.text).toContain('[GATE_UNUSABLE]');
    expect(second.ended).toBe(false);
    await startQemu();
    await second.hears(GREETING);
  });

  it('may leave, and leaves nothing behind when the proxy gives up waiting for QEMU', async () => {
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
