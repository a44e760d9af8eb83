/** A QEMU that ends behind the proxy, in the middle of a save or not. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const QEMU: Script = {
  'query-status': () => ({ status: 'paused', running: false }),
  cont: () => ({}),
  wait: () => SILENCE,
};

describe('a QEMU that ends', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack, news } = stage();

  it('in the middle of a save is told of, and the connection ends after that', async () => {
    const qemu = await startQemu(QEMU);
    await startProxy(async ({ monitor }) => {
      await monitor.ask('wait', {}, { timeoutMs: undefined });
    });
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(SAVE);
    await until(() => qemu.names.includes('wait'));
    await qemu.hangUp();
    await client.untilEnded();
    expect(client.lines).toHaveLength(1);
    expect(client.lines[0]).toMatch(
      /^\{"error": \{"class":"GenericError","desc":"stubferry: QEMU closed its monitor in the middle of 'wait' \[QEMU_GONE\]; at .*; found end of file; it has ended or was killed: see its log"\}, "id": 7\}$/,
    );
    await until(() => news.length === 2);
  });

  it('in the middle of a save has the save told; one that needs it no more can still go well', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(SAVE);
    const save = await saves.save();
    await qemu.hangUp();
    await until(() => save.request.signal.aborted);
    expect(save.request.signal.reason).toMatchObject({ code: 'QEMU_GONE', message: 'QEMU closed its monitor' });
    await settled(10);
    expect(client.ended).toBe(false);
    save.succeed();
    await client.untilEnded();
    expect(client.text).toBe(`${GREETING}{"return": {}, "id": 7}\r\n`);
  });

  it('in the middle of a message does not swallow the answer to a save', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(SAVE);
    const save = await saves.save();
    await qemu.say(`{"return": "${'x'.repeat(100_000)}`);
    await until(() => client.heardBytes > 100_000);
    await qemu.hangUp();
    await until(() => qemu.present === 0);
    save.fail(new StubferryError('QEMU_GONE', 'gone'));
    await client.untilEnded();
    expect(client.text).toContain('"desc":"stubferry: gone [QEMU_GONE]"}, "id": 7}\r\n');
  });

  it('ends the connection of an idle toolstack; the next one finds the next QEMU', async () => {
    const qemu = await startQemu(QEMU);
    await startProxy();
    const first = await toolstack();
    await first.hears(GREETING);
    await qemu.hangUp();
    await first.untilEnded();
    const second = await toolstack();
    await second.hears(GREETING);
    expect(qemu.visits).toBe(2);
  });
});
