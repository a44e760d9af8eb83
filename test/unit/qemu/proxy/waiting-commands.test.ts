/** QEMU executes one command after the other; so does the proxy with those that come during a save. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

describe('during a save', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it('the commands of the toolstack wait, and go on in order, byte for byte', async () => {
    const qemu = await startQemu({}, { deaf: true });
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
    await client.hears('{"return": {}, "id": 7}');
  });

  it('the replies to them come after its own, which waits for the line that QEMU has not ended', async () => {
    const qemu = await startQemu({}, { deaf: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${SAVE}{"execute": "cont", "id": 8}`);
    const save = await saves.save();
    await qemu.say('{"event": "STOP"}');
    await client.hears('STOP');
    save.succeed();
    await until(() => qemu.bytesOf(0).length > 0);
    await qemu.say('\r\n{"return": {}, "id": 8}\r\n');
    await until(() => client.lines.length === 3);
    expect(client.lines).toEqual(['{"event": "STOP"}', '{"return": {}, "id": 7}', '{"return": {}, "id": 8}']);
  });

  it('half a command waits with its other half', async () => {
    const qemu = await startQemu({}, { deaf: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${SAVE}{"execute": "co`);
    (await saves.save()).succeed();
    await client.hears('{"return": {}, "id": 7}');
    await client.send('nt"}');
    await until(() => qemu.bytesOf(0).toString() === '{"execute": "cont"}');
  });

  it('they are answered after the save', async () => {
    await startQemu({ cont: () => ({}) });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.hears(GREETING);
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
    const qemu = await startQemu({}, { deaf: true });
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
    const qemu = await startQemu({}, { deaf: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${SAVE}{"execute": "cont"}{"exec-oob": "migrate-pause", "id": 9}`);
    const save = await saves.save();
    await until(() => qemu.bytesOf(0).toString() === '{"exec-oob": "migrate-pause", "id": 9}');
    await qemu.say('{"return": {}, "id": 9}\r\n');
    await client.hears('{"return": {}, "id": 9}\r\n');
    save.succeed();
    await until(() => qemu.bytesOf(0).toString() === '{"exec-oob": "migrate-pause", "id": 9}{"execute": "cont"}');
  });

  it('events do not wait, nor replies to what was asked before', async () => {
    const qemu = await startQemu({}, { deaf: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`{"execute": "stop", "id": 6}${SAVE}`);
    const save = await saves.save();
    const said = '{"event": "STOP", "data": {}}\r\n{"return": {}, "id": 6}\r\n';
    await qemu.say(said);
    await client.hears(said);
    save.succeed();
    await client.hears('{"return": {}, "id": 7}');
    expect(client.text).toBe(`${GREETING}${said}{"return": {}, "id": 7}\r\n`);
  });

  it('a toolstack that does not stop to talk is not listened to any more, and loses nothing', async () => {
    const qemu = await startQemu({}, { deaf: true });
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
