/** A toolstack that disconnects during a save: the proxy does not release QEMU before the save has cleaned up. */
import { describe, expect, it } from '@jest/globals';
import { type HeldSave, HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { GREETING, type Script, type ScriptedQemu, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const QEMU: Script = {
  'query-status': () => ({ status: 'paused', running: false }),
  cont: () => ({}),
  wait: () => SILENCE,
};

describe('a toolstack that disconnects during a save', () => {
  const { scratch, qemu: startQemu, proxy: startProxy, toolstack, news } = stage();
  const time = passingTime();

  /** A save that is running, whose signal is aborted because its toolstack has disconnected. */
  async function abandoned(): Promise<{ qemu: ScriptedQemu; saves: HeldSaves } & HeldSave> {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    const save = await saves.save();
    client.leave();
    await until(() => save.request.signal.aborted);
    return { qemu, saves, ...save };
  }

  it('aborts the signal of the save', async () => {
    const { request, fail } = await abandoned();
    expect(request.signal.reason).toMatchObject({
      code: 'CANCELLED',
      message: 'the toolstack closed its connection in the middle of the save',
      details: { where: request.monitor.path },
    });
    fail(new Error('cancelled'));
  });

  it('leaves QEMU connected until the save has ended', async () => {
    const { qemu, request, fail } = await abandoned();
    await settled(10);
    expect(qemu.present).toBe(1);
    await expect(request.monitor.execute('cont', {}, SOON)).resolves.toEqual({});
    time.stop();
    fail(new Error('cancelled'));
    await until(() => qemu.present === 0);
    await until(() => news.length === 2);
    expect(time.waiting()).toBe(0);
    expect(news).toEqual(['connected', 'disconnected']);
  });

  it('causes its waiting commands to be discarded', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    const { request, fail } = await saves.save();
    await client.command('cont', undefined, 8);
    await settled(10);
    client.leave();
    await until(() => request.signal.aborted);
    fail(new Error('cancelled'));
    await until(() => qemu.present === 0);
    expect(qemu.names).toEqual([]);
  });

  it('can be followed by another one, which is served after the end of the save', async () => {
    const { qemu, saves, fail } = await abandoned();
    const second = await toolstack();
    await settled();
    expect(second.text).toBe('');
    expect(qemu.visits).toBe(1);
    fail(new Error('cancelled'));
    await second.receives(GREETING);
    await second.send(SAVE);
    (await saves.save(1)).succeed();
    await second.receives('{"return": {}, "id": 7}');
    expect(qemu.visits).toBe(2);
    expect(news).toEqual(['connected', 'disconnected', 'connected']);
    expect(second.text).toBe(`${GREETING}{"return": {}, "id": 7}\r\n`);
  });

  it('causes an error to the next one when the save does not end', async () => {
    const { qemu, fail } = await abandoned();
    time.stop();
    const second = await toolstack();
    await time.pass(59_999);
    await settled();
    expect(second.text).toBe('');
    await time.pass(1);
    await second.untilEnded();
    expect(second.text).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: the save of a disconnected client does not end ' +
        `[PROXY_UNUSABLE]; at ${scratch('qmp-proxy.sock')}; expected the end of the save within 60000 ms; found a save that ` +
        'still runs; check the log of the stubdom agent; a restart of the agent releases the resources of the save"}}\r\n',
    );
    fail(new Error('late'));
    await until(() => qemu.present === 0);
    await (await toolstack()).receives(GREETING);
    expect(qemu.visits).toBe(2);
    expect(news).toEqual(['connected', 'refused', 'disconnected', 'connected']);
  });

  it('may be followed by another one that disconnects while it waits', async () => {
    const { fail } = await abandoned();
    time.stop();
    const second = await toolstack();
    await until(() => time.waiting() === 1);
    second.leave();
    await until(() => time.waiting() === 0).finally(() => fail(new Error('late')));
    expect(news).not.toContain('refused');
  });
});
