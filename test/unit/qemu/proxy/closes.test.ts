/** A proxy that is stopped aborts a running save in order, and sends every client a reply. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const QEMU: Script = {
  'query-status': () => ({ status: 'paused', running: false }),
  cont: () => ({}),
  wait: () => SILENCE,
};
const REASON = new StubferryError('CANCELLED', 'stopped by SIGTERM');

describe('a proxy that closes', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it('aborts a save with the reason, waits for its cleanup, replies to the toolstack, and releases QEMU', async () => {
    const qemu = await startQemu(QEMU);
    let begun = false;
    let cleaned = false;
    const proxy = await startProxy(async ({ monitor, signal }) => {
      begun = true;
      await until(() => signal.aborted);
      await monitor.execute('cont', {}, SOON);
      cleaned = true;
      throw signal.reason;
    });
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    await until(() => begun);
    await proxy.close(REASON);
    expect(cleaned).toBe(true);
    await client.untilEnded();
    expect(client.text).toBe(
      `${GREETING}{"error": {"class":"GenericError","desc":"stubferry: stopped by SIGTERM [CANCELLED]"}, "id": 7}\r\n`,
    );
    await until(() => qemu.present === 0);
  });

  it('does not undo a save that succeeds', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    const proxy = await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    const save = await saves.save();
    const closing = proxy.close(REASON);
    save.succeed();
    await closing;
    await client.untilEnded();
    expect(client.lines).toEqual(['{"return": {}, "id": 7}']);
  });

  it('ends the connection of an idle toolstack, and removes its socket', async () => {
    const qemu = await startQemu(QEMU);
    const proxy = await startProxy();
    const client = await toolstack();
    await client.receives(GREETING);
    await proxy.close(REASON);
    await client.untilEnded();
    await until(() => qemu.present === 0);
    await expect(toolstack()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('closes immediately when there is no client', async () => {
    const proxy = await startProxy();
    await expect(proxy.close(REASON)).resolves.toBeUndefined();
  });

  it('does not wait for a QEMU that has not started', async () => {
    const proxy = await startProxy(undefined, { waitMs: 20_000 });
    const client = await toolstack();
    await settled(10);
    await proxy.close(REASON);
    await client.untilEnded();
  });

  it('sends the reason to a toolstack that waits for the end of a save', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    const proxy = await startProxy(saves.onSave);
    const first = await toolstack();
    await first.send(SAVE);
    const { request, fail } = await saves.save();
    first.leave();
    await until(() => request.signal.aborted);
    const second = await toolstack();
    await settled(10);
    const closing = proxy.close(REASON);
    fail(new Error('cancelled'));
    await second.untilEnded();
    await closing;
    expect(second.text).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: stopped by SIGTERM [CANCELLED]"}}\r\n',
    );
  });
});
