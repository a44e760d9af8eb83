/** A proxy that is stopped: a save under way is ended in order, and nobody is left without a word. */
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

  it('ends a save with the reason, has it clean up, tells the toolstack, and lets go of QEMU', async () => {
    const qemu = await startQemu(QEMU);
    let begun = false;
    let cleaned = false;
    const proxy = await startProxy(async ({ monitor, signal }) => {
      begun = true;
      await until(() => signal.aborted);
      await monitor.ask('cont', {}, SOON);
      cleaned = true;
      throw signal.reason;
    });
    const client = await toolstack();
    await client.hears(GREETING);
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

  it('does not undo a save that comes to its good end', async () => {
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
    await client.hears(GREETING);
    await proxy.close(REASON);
    await client.untilEnded();
    await until(() => qemu.present === 0);
    await expect(toolstack()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends at once when nobody is there', async () => {
    const proxy = await startProxy();
    await expect(proxy.close(REASON)).resolves.toBeUndefined();
  });

  it('does not wait for a QEMU that is not there', async () => {
    const proxy = await startProxy(undefined, { waitMs: 20_000 });
    const client = await toolstack();
    await settled(10);
    await proxy.close(REASON);
    await client.untilEnded();
  });

  it('tells a toolstack that waits for the end of a save', async () => {
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
