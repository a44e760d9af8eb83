/** What a toolstack and QEMU hear of each other when a command names a set of descriptors that is the proxy's. */
import { describe, expect, it } from '@jest/globals';
import type { Medium } from '../../../../src/qemu/proxy/index.js';
import { Refusal, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const HDC: Medium = { devid: 5632, node: '/dev/xvdc', incarnation: '71' };
const N = 1048576 + 5632;
const OURS = `{"fdset-id":${N},"fds":[{"fd":${N},"opaque":"stub-devid:5632"}]}`;
const THEIRS = { 'fdset-id': 1, fds: [{ fd: 30 }] };
const LIST = '{"execute":"query-fdsets","id":18446744073709551615}\r\n';
const REMOVE = `{"execute":"remove-fd","id":2,"arguments":{"fdset-id":${N}}}\r\n`;
const OPEN = `{"execute":"blockdev-change-medium","id":18446744073709551615,"arguments":{"id":"ide-5632","filename":"/dev/fdset/${N}","format":"host_device"}}`;

describe('at the proxy', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack } = stage();
  const listMedia = async (): Promise<Medium[]> => [HDC];

  it("the sets are listed after QEMU's own", async () => {
    await startQemu({ 'query-fdsets': () => [THEIRS] });
    await startProxy(undefined, { listMedia });
    const client = await toolstack();
    await client.send(LIST);
    await client.hears(`{"return": [${JSON.stringify(THEIRS)},${OURS}], "id": 18446744073709551615}\r\n`);
    expect(client.lines).toHaveLength(1);
  });

  it('a set that one toolstack removed is removed for the next', async () => {
    const qemu = await startQemu({ 'query-fdsets': () => [] });
    await startProxy(undefined, { listMedia });
    const first = await toolstack();
    await first.send(REMOVE);
    await first.hears('{"return": {}, "id": 2}\r\n');
    first.leave();
    await until(() => qemu.present === 0);
    const second = await toolstack();
    await second.send('{"execute":"query-fdsets","id":3}');
    await second.hears('{"return":[],"id":3}\r\n');
    expect(qemu.names).not.toContain('remove-fd');
  });

  it('QEMU is given the path of the disk, and the id as the toolstack wrote it', async () => {
    const qemu = await startQemu({}, { deaf: true });
    await startProxy(undefined, { listMedia });
    await (await toolstack()).send(`${OPEN}\r\n{"execute":"cont"}`);
    const args = '{"id":"ide-5632","filename":"/dev/xvdc","format":"host_device"}';
    const command = `{"execute": "blockdev-change-medium", "arguments": ${args}, "id": 18446744073709551615}`;
    await until(() => qemu.bytesOf(0).toString() === `${command}\r\n{"execute":"cont"}`);
  });

  it('replies come in the order of the commands', async () => {
    await startQemu({ 'query-fdsets': () => [], a: () => ({}), 'blockdev-change-medium': () => ({}) });
    await startProxy(undefined, { listMedia });
    const client = await toolstack();
    const opened = OPEN.replace('18446744073709551615', '3');
    await client.send(`{"execute":"a","id":1}${REMOVE}${opened}{"execute":"a","id":4}`);
    await until(() => client.lines.length === 4);
    expect(client.lines.map((line) => JSON.parse(line).id)).toEqual([1, 2, 3, 4]);
  });

  it("what QEMU refuses is refused in QEMU's words", async () => {
    const qemu = await startQemu({ 'query-fdsets': () => new Refusal('Expecting "negotiation"', 'CommandNotFound') });
    await startProxy(undefined, { listMedia });
    const client = await toolstack();
    await client.send('{"execute":"query-fdsets","id":1}\r\n');
    const error = { class: 'CommandNotFound', desc: 'Expecting "negotiation"' };
    await client.hears(`${JSON.stringify({ error, id: 1 })}\r\n`);
    expect(qemu.asked.at(-1)?.id).toBe(1);
  });

  it.each([
    ['there is none', async () => []],
    ['they cannot be listed', () => Promise.reject(new Error('no sysfs'))],
  ])('commands pass byte for byte when of disks %s', async (_, none) => {
    const qemu = await startQemu({}, { deaf: true });
    await startProxy(undefined, { listMedia: none });
    await (await toolstack()).send(LIST + REMOVE + OPEN);
    await until(() => qemu.bytesOf(0).toString() === LIST + REMOVE + OPEN);
  });

  it('a toolstack that leaves in the middle is forgotten, and the next is served', async () => {
    const qemu = await startQemu({ 'query-fdsets': () => SILENCE, a: () => ({}) });
    await startProxy(undefined, { listMedia });
    const first = await toolstack();
    await first.send(`${LIST}{"execute":"b"}`);
    await until(() => qemu.names.length > 0);
    first.leave();
    await until(() => qemu.present === 0);
    const second = await toolstack();
    await second.send('{"execute":"a","id":9}');
    await second.hears('{"return":{},"id":9}');
    await settled(5);
    expect(qemu.names).not.toContain('b');
  });

  it('the end of QEMU in the middle is the end of the connection', async () => {
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
