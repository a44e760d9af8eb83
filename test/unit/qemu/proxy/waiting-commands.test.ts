/** QEMU executes one command after the other, and so does the proxy: commands that arrive during a save wait. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

describe('during a save', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it('the commands of the toolstack wait, and are then forwarded in order, byte for byte', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    const save = await saves.save();
    const later = '\r\n{"execute": "cont", "id": 1}\r\n{"execute": "query-status", "id": 2}\r\n';
    await client.send(later, 5);
    await settled();
    expect(qemu.bytesOf(0)).toHaveLength(0);
    save.succeed();
    await until(() => qemu.bytesOf(0).toString() === later);
    await client.receives('{"return": {}, "id": 7}');
  });

  it('the replies to them follow the reply to the save, which waits for the end of a line of QEMU', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${SAVE}{"execute": "cont", "id": 8}`);
    const save = await saves.save();
    await qemu.send('{"event": "STOP"}');
    await client.receives('STOP');
    save.succeed();
    await until(() => qemu.bytesOf(0).length > 0);
    await qemu.send('\r\n{"return": {}, "id": 8}\r\n');
    await until(() => client.lines.length === 3);
    expect(client.lines).toEqual(['{"event": "STOP"}', '{"return": {}, "id": 7}', '{"return": {}, "id": 8}']);
  });

  it('an incomplete command waits for its rest', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${SAVE}{"execute": "co`);
    (await saves.save()).succeed();
    await client.receives('{"return": {}, "id": 7}');
    await client.send('nt"}');
    await until(() => qemu.bytesOf(0).toString() === '{"execute": "cont"}');
  });

  it('the replies to waiting commands arrive after the save', async () => {
    await startQemu({ cont: () => ({}) });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(SAVE);
    const save = await saves.save();
    await client.command('cont', undefined, 8);
    await settled(10);
    save.fail(new StubferryError('PEER_DEAD', 'gone'));
    await until(() => client.lines.length === 2);
    expect(client.lines).toEqual([
      '{"error": {"class":"GenericError","desc":"stubferry: gone [PEER_DEAD]"}, "id": 7}',
      '{"return":{},"id":8}',
    ]);
  });

  it('another save waits as well', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${SAVE}\r\n{"execute":"a"}${SAVE.replace('7', '8')}{"execute":"b"}`);
    const first = await saves.save(0);
    await settled(10);
    expect(saves.count).toBe(1);
    first.succeed();
    await until(() => qemu.bytesOf(0).toString() === '\r\n{"execute":"a"}');
    (await saves.save(1)).succeed();
    await until(() => qemu.bytesOf(0).toString() === '\r\n{"execute":"a"}{"execute":"b"}');
    expect(client.lines).toEqual(['{"return": {}, "id": 7}', '{"return": {}, "id": 8}']);
  });

  it('an out-of-band command does not wait', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${SAVE}{"execute": "cont"}{"exec-oob": "migrate-pause", "id": 9}`);
    const save = await saves.save();
    await until(() => qemu.bytesOf(0).toString() === '{"exec-oob": "migrate-pause", "id": 9}');
    await qemu.send('{"return": {}, "id": 9}\r\n');
    await client.receives('{"return": {}, "id": 9}\r\n');
    save.succeed();
    await until(() => qemu.bytesOf(0).toString() === '{"exec-oob": "migrate-pause", "id": 9}{"execute": "cont"}');
  });

  it('events and replies to earlier commands do not wait', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`{"execute": "stop", "id": 6}${SAVE}`);
    const save = await saves.save();
    const sent = '{"event": "STOP", "data": {}}\r\n{"return": {}, "id": 6}\r\n';
    await qemu.send(sent);
    await client.receives(sent);
    save.succeed();
    await client.receives('{"return": {}, "id": 7}');
    expect(client.text).toBe(`${GREETING}${sent}{"return": {}, "id": 7}\r\n`);
  });

  it('the proxy stops reading from a toolstack that sends too much, and loses no byte', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(SAVE);
    const save = await saves.save();
    const command = `{"execute": "stop", "id": "${'x'.repeat(1000)}"}\r\n`;
    const sent = client.send(command.repeat(5000), 50_000);
    await settled(100);
    expect(client.sentBytes).toBeLessThan(2_000_000);
    save.succeed();
    await sent;
    await until(() => qemu.bytesOf(0).length === 5000 * command.length);
    expect(qemu.bytesOf(0).equals(Buffer.from(command.repeat(5000)))).toBe(true);
  });
});
