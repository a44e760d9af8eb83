/** A save through the proxy: what the toolstack hears of it, and what QEMU is asked meanwhile. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { saveDevicesState } from '../../../../src/qemu/qmp/index.js';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { GREETING, Refusal, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };

const QEMU: Script = {
  'query-status': () => ({ status: 'paused', running: false }),
  'xen-save-devices-state': () => ({}),
  stop: () => ({}),
  slow: () => SILENCE,
};

function saveWithId(id: string): string {
  return SAVE.replace('"id":7', `"id":${id}`);
}

describe('a save through the proxy', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it.each([
    '18446744073709551615',
    '-9007199254740993',
    '1e3',
    '"libxl-1"',
    '"\\u0041\\"}\\\\"',
    '{"a": [1, {"id": 2}]}',
    'null',
    '[ 1 ]',
  ])('is answered with its id, to the letter: %s', async (id) => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(saveWithId(id));
    (await saves.save(0)).succeed();
    await client.hears(`{"return": {}, "id": ${id}}\r\n`);
    await client.send(saveWithId(id));
    (await saves.save(1)).fail(new StubferryError('PEER_DEAD', 'gone'));
    await until(() => client.lines.length === 2);
    expect(client.text).toBe(
      `${GREETING}{"return": {}, "id": ${id}}\r\n` +
        `{"error": {"class":"GenericError","desc":"stubferry: gone [PEER_DEAD]"}, "id": ${id}}\r\n`,
    );
  });

  it('without an id is answered without one', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE.replace('"id":7,', ''));
    (await saves.save()).succeed();
    await client.hears('{"return": {}}\r\n');
  });

  it('is not answered before it is over', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(SAVE);
    const save = await saves.save();
    await settled();
    expect(client.text).toBe(GREETING);
    save.succeed();
    await client.hears('"return": {}, "id": 7');
  });

  it('that fails with an error of another kind says that it is ours', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    (await saves.save()).fail(new TypeError('x is not a function'));
    await until(() => client.lines.length === 1);
    expect(client.lines[0]).toBe(
      '{"error": {"class":"GenericError","desc":"stubferry: x is not a function [INTERNAL]; please report this, ' +
        'with the output of the same command and --log-level debug"}, "id": 7}',
    );
  });

  it('that throws before it promises anything is answered, too', async () => {
    await startQemu(QEMU);
    await startProxy(() => {
      throw new StubferryError('DISK_ABSENT', 'no disk');
    });
    const client = await toolstack();
    await client.send(SAVE);
    await client.hears('stubferry: no disk [DISK_ABSENT]');
  });

  it.each([1, 2, 5, 10_000])(
    'asks QEMU without a trace for the toolstack, with QEMU %i bytes at a time',
    async (pieceBytes) => {
      const qemu = await startQemu(QEMU, { pieceBytes });
      await startProxy(async ({ monitor }) => {
        expect(monitor.qemuVersion).toBe('7.2.22 (Debian 1:7.2+dfsg-7)');
        await expect(monitor.ask('query-status', {}, SOON)).resolves.toEqual({ status: 'paused', running: false });
        await saveDevicesState(monitor, { filename: '/tmp/state.fifo', live: true });
        await qemu.event('STOP');
        await monitor.ask('stop', {}, SOON);
      });
      const client = await toolstack();
      await client.hears(GREETING);
      await client.command('qmp_capabilities', undefined, 1);
      await client.send(`${SAVE}\r\n`);
      await client.hears('"id": 7}\r\n');
      await client.command('stop', undefined, 8);
      await client.hears('"id":8}\r\n');
      expect(client.text).toBe(
        `${GREETING}{"return":{},"id":1}\r\n` +
          '{"event":"STOP","data":{},"timestamp":{"seconds":1,"microseconds":2}}\r\n' +
          '{"return": {}, "id": 7}\r\n{"return":{},"id":8}\r\n',
      );
      expect(qemu.names).toEqual(['query-status', 'xen-save-devices-state', 'stop', 'stop']);
      expect(qemu.asked[2]?.args).toEqual({ filename: '/tmp/state.fifo', live: true });
    },
  );

  it('hears a refusal of QEMU as the toolstack never does', async () => {
    await startQemu({ ...QEMU, 'xen-save-devices-state': () => new Refusal('No space left on device') });
    await startProxy(({ monitor }) => saveDevicesState(monitor, { filename: '/tmp/state.fifo' }));
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(SAVE);
    await until(() => client.lines.length === 1);
    expect(client.lines[0]).toMatch(
      /^\{"error": \{"class":"GenericError","desc":"stubferry: QEMU refused 'xen-save-devices-state': No space left on device \[QEMU_REFUSED\]; at [^;]*qmp\.sock; found GenericError"\}, "id": 7\}$/,
    );
  });

  it('does not take a reply to the toolstack for its own, nor an event that looks like one', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    const { request, succeed } = await saves.save();
    const never = request.monitor.ask('wait', {}, { timeoutMs: undefined });
    never.catch(() => undefined);
    const strange =
      '{"event": "X", "data": {"id": "stubferry-gate-1"}}\r\n{"return": {}, "id": "stubferry-gate-1"}\r\n';
    await qemu.say(strange);
    await client.hears(strange);
    succeed();
    await client.hears('{"return": {}, "id": 7}');
  });

  it('takes out a reply that comes after its time, when the save is over', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(SAVE);
    const { request, succeed } = await saves.save();
    const late = request.monitor.ask('slow', {}, { timeoutMs: 1 });
    await expect(late).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    succeed();
    await until(() => client.lines.length === 1 && qemu.names.includes('slow'));
    await qemu.say(`${JSON.stringify({ return: {}, id: qemu.asked[0]?.id })}\r\n`);
    await settled(10);
    expect(client.text).toBe(`${GREETING}{"return": {}, "id": 7}\r\n`);
  });

  it('is answered on a line of its own, not in the middle of what QEMU says', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
    await client.send(SAVE);
    const { succeed } = await saves.save();
    const long = `{"return": "${'x'.repeat(100_000)}`;
    await qemu.say(long);
    await client.hears(long);
    succeed();
    await settled(10);
    expect(client.text).toBe(GREETING + long);
    await qemu.say('"}\r\n');
    await client.hears('"}\r\n{"return": {}, "id": 7}\r\n');
  });

  it('can be asked for again after one that failed', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    (await saves.save(0)).fail(new StubferryError('PEER_DEAD', 'gone'));
    await client.hears('[PEER_DEAD]');
    await client.send(saveWithId('8'));
    (await saves.save(1)).succeed();
    await client.hears('{"return": {}, "id": 8}');
  });
});
