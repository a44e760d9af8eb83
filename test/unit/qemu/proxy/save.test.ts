/** A save through the proxy: the replies to the toolstack, and the commands to QEMU. */
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
  ])('gets a reply with the exact text of its id: %s', async (id) => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(saveWithId(id));
    (await saves.save(0)).succeed();
    await client.receives(`{"return": {}, "id": ${id}}\r\n`);
    await client.send(saveWithId(id));
    (await saves.save(1)).fail(new StubferryError('PEER_DEAD', 'gone'));
    await until(() => client.lines.length === 2);
    expect(client.text).toBe(
      `${GREETING}{"return": {}, "id": ${id}}\r\n` +
        `{"error": {"class":"GenericError","desc":"stubferry: gone [PEER_DEAD]"}, "id": ${id}}\r\n`,
    );
  });

  it('gets a reply without an id when it has none', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE.replace('"id":7,', ''));
    (await saves.save()).succeed();
    await client.receives('{"return": {}}\r\n');
  });

  it('gets no reply before it is over', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    const save = await saves.save();
    await settled();
    expect(client.text).toBe(GREETING);
    save.succeed();
    await client.receives('"return": {}, "id": 7');
  });

  it('gets an INTERNAL error when it fails with an unexpected error', async () => {
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

  it('gets an error when the handler throws synchronously', async () => {
    await startQemu(QEMU);
    await startProxy(() => {
      throw new StubferryError('DISK_ABSENT', 'no disk');
    });
    const client = await toolstack();
    await client.send(SAVE);
    await client.receives('stubferry: no disk [DISK_ABSENT]');
  });

  it.each([1, 2, 5, 10_000])(
    "hides the proxy's commands from the toolstack, with QEMU sending %i bytes at a time",
    async (chunkBytes) => {
      const qemu = await startQemu(QEMU, { chunkBytes });
      await startProxy(async ({ monitor }) => {
        expect(monitor.qemuVersion).toBe('7.2.22 (Debian 1:7.2+dfsg-7)');
        await expect(monitor.execute('query-status', {}, SOON)).resolves.toEqual({ status: 'paused', running: false });
        await saveDevicesState(monitor, { filename: '/tmp/state.fifo', live: true });
        await qemu.event('STOP');
        await monitor.execute('stop', {}, SOON);
      });
      const client = await toolstack();
      await client.receives(GREETING);
      await client.command('qmp_capabilities', undefined, 1);
      await client.send(`${SAVE}\r\n`);
      await client.receives('"id": 7}\r\n');
      await client.command('stop', undefined, 8);
      await client.receives('"id":8}\r\n');
      expect(client.text).toBe(
        `${GREETING}{"return":{},"id":1}\r\n` +
          '{"event":"STOP","data":{},"timestamp":{"seconds":1,"microseconds":2}}\r\n' +
          '{"return": {}, "id": 7}\r\n{"return":{},"id":8}\r\n',
      );
      expect(qemu.names).toEqual(['query-status', 'xen-save-devices-state', 'stop', 'stop']);
      expect(qemu.commands[2]?.args).toEqual({ filename: '/tmp/state.fifo', live: true });
    },
  );

  it("reports QEMU's error with stubferry's prefix and code", async () => {
    await startQemu({ ...QEMU, 'xen-save-devices-state': () => new Refusal('No space left on device') });
    await startProxy(({ monitor }) => saveDevicesState(monitor, { filename: '/tmp/state.fifo' }));
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    await until(() => client.lines.length === 1);
    expect(client.lines[0]).toMatch(
      /^\{"error": \{"class":"GenericError","desc":"stubferry: QEMU refused 'xen-save-devices-state': No space left on device \[QEMU_REFUSED\]; at [^;]*qmp\.sock; found GenericError"\}, "id": 7\}$/,
    );
  });

  it("forwards replies and events that only resemble replies to the proxy's commands", async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    const { request, succeed } = await saves.save();
    const never = request.monitor.execute('wait', {}, { timeoutMs: undefined });
    never.catch(() => undefined);
    const similar =
      '{"event": "X", "data": {"id": "stubferry-proxy-1"}}\r\n{"return": {}, "id": "stubferry-proxy-1"}\r\n';
    await qemu.send(similar);
    await client.receives(similar);
    succeed();
    await client.receives('{"return": {}, "id": 7}');
  });

  it("removes a late reply to the proxy's command after the save", async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    const { request, succeed } = await saves.save();
    const late = request.monitor.execute('slow', {}, { timeoutMs: 1 });
    await expect(late).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    succeed();
    await until(() => client.lines.length === 1 && qemu.names.includes('slow'));
    await qemu.send(`${JSON.stringify({ return: {}, id: qemu.commands[0]?.id })}\r\n`);
    await settled(10);
    expect(client.text).toBe(`${GREETING}{"return": {}, "id": 7}\r\n`);
  });

  it('gets its reply on a line of its own, not within a line of QEMU', async () => {
    const qemu = await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    const { succeed } = await saves.save();
    const long = `{"return": "${'x'.repeat(100_000)}`;
    await qemu.send(long);
    await client.receives(long);
    succeed();
    await settled(10);
    expect(client.text).toBe(GREETING + long);
    await qemu.send('"}\r\n');
    await client.receives('"}\r\n{"return": {}, "id": 7}\r\n');
  });

  it('can be repeated after a failure', async () => {
    await startQemu(QEMU);
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    (await saves.save(0)).fail(new StubferryError('PEER_DEAD', 'gone'));
    await client.receives('[PEER_DEAD]');
    await client.send(saveWithId('8'));
    (await saves.save(1)).succeed();
    await client.receives('{"return": {}, "id": 8}');
  });
});
