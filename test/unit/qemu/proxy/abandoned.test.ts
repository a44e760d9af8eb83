/** A toolstack that leaves in the middle of a save: QEMU is not let go of before the save has cleaned up. */
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

describe('a toolstack that leaves in the middle of a save', () => {
  const { scratch, qemu: startQemu, proxy: startProxy, toolstack, news } = stage();
  const time = passingTime();

  /** Its save is under way, and has been told. */
  async function deserted(): Promise<{ qemu: ScriptedQemu; saves: HeldSaves } & HeldSave> {
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

  it('has the save told', async () => {
    const { request, fail } = await deserted();
    expect(request.signal.reason).toMatchObject({
      code: 'CANCELLED',
      message: 'the toolstack closed its connection in the middle of the save',
      details: { where: request.monitor.path },
    });
    fail(new Error('cancelled'));
  });

  it('leaves QEMU to the save until that has ended', async () => {
    const { qemu, request, fail } = await deserted();
    await settled(10);
    expect(qemu.present).toBe(1);
    await expect(request.monitor.ask('cont', {}, SOON)).resolves.toEqual({});
    time.stop();
    fail(new Error('cancelled'));
    await until(() => qemu.present === 0);
    await until(() => news.length === 2);
    expect(time.waiting()).toBe(0);
    expect(news).toEqual(['connected', 'disconnected']);
  });

  it('has the commands that waited forgotten', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
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

  it('makes room for another one, which waits for the end of the save and is served then', async () => {
    const { qemu, saves, fail } = await deserted();
    const second = await toolstack();
    await settled();
    expect(second.text).toBe('');
    expect(qemu.visits).toBe(1);
    fail(new Error('cancelled'));
    await second.hears(GREETING);
    await second.send(SAVE);
    (await saves.save(1)).succeed();
    await second.hears('{"return": {}, "id": 7}');
    expect(qemu.visits).toBe(2);
    expect(news).toEqual(['connected', 'disconnected', 'connected']);
    expect(second.text).toBe(`${GREETING}{"return": {}, "id": 7}\r\n`);
  });

  it('has another one told when its save does not end', async () => {
    const { qemu, fail } = await deserted();
    time.stop();
    const second = await toolstack();
    await time.pass(59_999);
    await settled();
    expect(second.text).toBe('');
    await time.pass(1);
    await second.untilEnded();
    expect(second.text).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: the save of a client that has left does not end ' +
        `[GATE_UNUSABLE]; at ${scratch('qmp-proxy.sock')}; expected its end within 60000 ms; found none; see the log of the ` +
        `stubdom's agent; started again, it lets go of what that save holds"}}\r\n`,
    );
    fail(new Error('late'));
    await until(() => qemu.present === 0);
    await (await toolstack()).hears(GREETING);
    expect(qemu.visits).toBe(2);
    expect(news).toEqual(['connected', 'refused', 'disconnected', 'connected']);
  });

  it('has another one forgotten that leaves while it waits', async () => {
    const { fail } = await deserted();
    time.stop();
    const second = await toolstack();
    await until(() => time.waiting() === 1);
    second.leave();
    await until(() => time.waiting() === 0).finally(() => fail(new Error('late')));
    expect(news).not.toContain('refused');
  });
});
