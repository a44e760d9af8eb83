/** A QEMU that exits behind the proxy, during a save or not. */
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

describe('a QEMU that exits', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack, news } = stage();

  it('during a save causes an error reply, and the connection ends after it', async () => {
    const qemu = await startQemu(QEMU);
    await startProxy(async ({ monitor }) => {
      await monitor.execute('wait', {}, { timeoutMs: undefined });
    });
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    await until(() => qemu.names.includes('wait'));
    await qemu.hangUp();
    await client.untilEnded();
    expect(client.lines).toHaveLength(1);
    expect(client.lines[0]).toMatch(
      /^\{"error": \{"class":"GenericError","desc":"stubferry: QEMU closed its monitor in the middle of 'wait' \[QEMU_GONE\]; at .*; found end of file; [^;]*"\}, "id": 7\}$/,
    );
    await until(() => news.length === 2);
  });

  it('during a save aborts the signal of the save, which can still succeed without QEMU', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
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

  it('in the middle of a message does not prevent the reply to a save', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    const save = await saves.save();
    await qemu.send(`{"return": "${'x'.repeat(100_000)}`);
    await until(() => client.receivedBytes > 100_000);
    await qemu.hangUp();
    await until(() => qemu.present === 0);
    save.fail(new StubferryError('QEMU_GONE', 'gone'));
    await client.untilEnded();
    expect(client.text).toContain('"desc":"stubferry: gone [QEMU_GONE]"}, "id": 7}\r\n');
  });

  it('ends the connection of an idle toolstack; the next toolstack gets the next QEMU', async () => {
    const qemu = await startQemu(QEMU);
    await startProxy();
    const first = await toolstack();
    await first.receives(GREETING);
    await qemu.hangUp();
    await first.untilEnded();
    const second = await toolstack();
    await second.receives(GREETING);
    expect(qemu.visits).toBe(2);
  });
});
