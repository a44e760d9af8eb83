/** The proxy intercepts a save by its command name and file name, and no other command. */
import { describe, expect, it } from '@jest/globals';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const NEXT = '{"execute":"query-status","id":8}\r\n';

describe('the proxy intercepts', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();

  it.each([
    ['as libxl writes it', SAVE],
    [
      'in another order',
      '{"arguments":{"live":true,"filename":"/dev/fdset/1"},"execute":"xen-save-devices-state","id":7}',
    ],
    [
      'with white space and line ends',
      '{ "execute" :\r\n"xen-save-devices-state", "id": 7, "arguments" : { "filename": "/dev/fdset/1" , "live":true} }',
    ],
    [
      'in single quotes',
      "{'execute':'xen-save-devices-state','id':7,'arguments':{'filename':'/dev/fdset/1','live':true}}",
    ],
    [
      'with escapes',
      '{"execute":"xen-save-devices-stat\\u0065","id":7,"arguments":{"filename":"\\/dev\\/fdset\\/1","live":true}}',
    ],
  ])('a save to /dev/fdset/1 %s', async (_how, command) => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`${command}\r\n`);
    const { request, succeed } = await saves.save();
    expect(request.args).toEqual({ filename: '/dev/fdset/1', live: true });
    expect(request.signal.aborted).toBe(false);
    succeed();
    await client.receives('{"return": {}, "id": 7}\r\n');
    await until(() => qemu.bytesOf(0).length > 0);
    expect(qemu.bytesOf(0).toString()).toBe('\r\n');
  });

  it('a save that arrives in two chunks, split at every position', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    for (let at = 1; at < SAVE.length; at += 1) {
      await client.send(SAVE.slice(0, at));
      await client.send(SAVE.slice(at));
      (await saves.save(at - 1)).succeed();
      await until(() => client.lines.length === at);
    }
    expect(qemu.bytesOf(0)).toHaveLength(0);
    expect(new Set(client.lines)).toEqual(new Set(['{"return": {}, "id": 7}']));
  });

  it('a save between other commands, which it forwards unchanged', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.send(`{"execute": "stop"}\r\n${SAVE}\r\n${NEXT}`);
    (await saves.save()).succeed();
    await until(() => qemu.bytesOf(0).toString() === `{"execute": "stop"}\r\n\r\n${NEXT}`);
  });

  it.each([
    ['to another file', SAVE.replace('/dev/fdset/1', '/var/lib/xen/state')],
    ['to another descriptor', SAVE.replace('/dev/fdset/1', '/dev/fdset/2')],
    ['to a descriptor whose number has the same first digit', SAVE.replace('/dev/fdset/1', '/dev/fdset/11')],
    ['to another spelling of the file', SAVE.replace('/dev/fdset/1', '/dev//fdset/1')],
    ['to no file', '{"execute":"xen-save-devices-state","id":7,"arguments":{"live":true}}'],
    ['without arguments', '{"execute":"xen-save-devices-state","id":7}'],
    [
      'to a file name that is not a string',
      '{"execute":"xen-save-devices-state","arguments":{"filename":["/dev/fdset/1"]}}',
    ],
    ['by another command', SAVE.replace('xen-save', 'xen-load')],
    ['out of band: QEMU refuses that', SAVE.replace('execute', 'exec-oob')],
    ['in the text of an argument', JSON.stringify({ execute: 'human-monitor-command', arguments: { a: SAVE } })],
    ['within another command', `{"execute":"stop","arguments":${SAVE}}`],
    ['in an array', `[${SAVE}]`],
    ['that is not valid JSON', SAVE.replace('"id":7', '"id":7,')],
  ])('no save %s', async (_what, command) => {
    const qemu = await startQemu({}, { recordOnly: true });
    const saves = new HeldSaves();
    await startProxy(saves.onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    await client.send(`${command}\r\n${NEXT}`);
    await until(() => qemu.bytesOf(0).toString() === `${command}\r\n${NEXT}`);
    await settled(5);
    expect(saves.count).toBe(0);
  });
});
