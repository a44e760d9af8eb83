/** The commands and replies between a toolstack and QEMU when a command names an fdset of the proxy. */
import { describe, expect, it } from '@jest/globals';
import type { Medium } from '../../../../src/qemu/proxy/index.js';
import { Refusal, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const HDC: Medium = { devid: 5632, node: '/dev/xvdc', incarnation: '71' };
const N = 1048576 + 5632;
const PROXY_FDSET = `{"fdset-id":${N},"fds":[{"fd":${N},"opaque":"stub-devid:5632"}]}`;
const QEMU_FDSET = { 'fdset-id': 1, fds: [{ fd: 30 }] };
const LIST = '{"execute":"query-fdsets","id":18446744073709551615}\r\n';
const REMOVE = `{"execute":"remove-fd","id":2,"arguments":{"fdset-id":${N}}}\r\n`;
const OPEN = `{"execute":"blockdev-change-medium","id":18446744073709551615,"arguments":{"id":"ide-5632","filename":"/dev/fdset/${N}","format":"host_device"}}`;

describe('at the proxy', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();
  const listMedia = async (): Promise<Medium[]> => [HDC];

  it("the proxy's fdsets are listed after QEMU's own", async () => {
    await startQemu({ 'query-fdsets': () => [QEMU_FDSET] });
    await startProxy(undefined, { listMedia });
    const client = await toolstack();
    await client.send(LIST);
    await client.receives(`{"return": [${JSON.stringify(QEMU_FDSET)},${PROXY_FDSET}], "id": 18446744073709551615}\r\n`);
    expect(client.lines).toHaveLength(1);
  });

  it('an fdset that one toolstack has removed stays removed for the next', async () => {
    const qemu = await startQemu({ 'query-fdsets': () => [] });
    await startProxy(undefined, { listMedia });
    const first = await toolstack();
    await first.send(REMOVE);
    await first.receives('{"return": {}, "id": 2}\r\n');
    first.leave();
    await until(() => qemu.present === 0);
    const second = await toolstack();
    await second.send('{"execute":"query-fdsets","id":3}');
    await second.receives('{"return":[],"id":3}\r\n');
    expect(qemu.names).not.toContain('remove-fd');
  });

  it('QEMU receives the path of the disk, and the id exactly as the toolstack wrote it', async () => {
    const qemu = await startQemu({}, { recordOnly: true });
    await startProxy(undefined, { listMedia });
    await (await toolstack()).send(`${OPEN}\r\n{"execute":"cont"}`);
    const args = '{"id":"ide-5632","filename":"/dev/xvdc","format":"host_device"}';
    const command = `{"execute": "blockdev-change-medium", "arguments": ${args}, "id": 18446744073709551615}`;
    await until(() => qemu.bytesOf(0).toString() === `${command}\r\n{"execute":"cont"}`);
  });

  it('replies arrive in the order of the commands', async () => {
    await startQemu({ 'query-fdsets': () => [], a: () => ({}), 'blockdev-change-medium': () => ({}) });
    await startProxy(undefined, { listMedia });
    const client = await toolstack();
    const opened = OPEN.replace('18446744073709551615', '3');
    await client.send(`{"execute":"a","id":1}${REMOVE}${opened}{"execute":"a","id":4}`);
    await until(() => client.lines.length === 4);
    expect(client.lines.map((line) => JSON.parse(line).id)).toEqual([1, 2, 3, 4]);
  });

  it("the toolstack receives QEMU's own error when QEMU refuses query-fdsets", async () => {
    const qemu = await startQemu({ 'query-fdsets': () => new Refusal('Expecting "negotiation"', 'CommandNotFound') });
    await startProxy(undefined, { listMedia });
    const client = await toolstack();
    await client.send('{"execute":"query-fdsets","id":1}\r\n');
    const error = { class: 'CommandNotFound', desc: 'Expecting "negotiation"' };
    await client.receives(`${JSON.stringify({ error, id: 1 })}\r\n`);
    expect(qemu.commands.at(-1)?.id).toBe(1);
  });

  it.each([
    ['there are no disks', async () => []],
    ['the disks cannot be listed', () => Promise.reject(new Error('no sysfs'))],
  ])('commands are forwarded byte for byte when %s', async (_, none) => {
    const qemu = await startQemu({}, { recordOnly: true });
    await startProxy(undefined, { listMedia: none });
    await (await toolstack()).send(LIST + REMOVE + OPEN);
    await until(() => qemu.bytesOf(0).toString() === LIST + REMOVE + OPEN);
  });

  it('the commands of a toolstack that disconnects are discarded, and the next one is served', async () => {
    const qemu = await startQemu({ 'query-fdsets': () => SILENCE, a: () => ({}) });
    await startProxy(undefined, { listMedia });
    const first = await toolstack();
    await first.send(`${LIST}{"execute":"b"}`);
    await until(() => qemu.names.length > 0);
    first.leave();
    await until(() => qemu.present === 0);
    const second = await toolstack();
    await second.send('{"execute":"a","id":9}');
    await second.receives('{"return":{},"id":9}');
    await settled(5);
    expect(qemu.names).not.toContain('b');
  });

  it('the connection ends when QEMU exits during a command', async () => {
    const qemu = await startQemu({ 'query-fdsets': () => SILENCE });
    await startProxy(undefined, { listMedia });
    const client = await toolstack();
    await client.send(LIST);
    await until(() => qemu.names.length > 0);
    await qemu.hangUp();
    await client.untilEnded();
    expect(client.lines).toEqual([]);
  });
});
