import { describe, expect, it } from '@jest/globals';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };

/** A QEMU that returns what it is given. */
const ECHO: Script = { echo: ({ args }) => args };

describe('QmpClient', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  it('takes the greeting, and then negotiates before anything else', async () => {
    const qemu = await startQemu({ 'query-status': () => ({ status: 'running', running: true }) });
    const client = await connect();
    expect(client.qemuVersion).toBe('7.2.22 (Debian 1:7.2+dfsg-7)');
    await expect(client.ask('query-status', {}, SOON)).resolves.toEqual({ status: 'running', running: true });
    expect(qemu.asked).toEqual([
      { name: 'qmp_capabilities', args: {}, id: 'stubferry-1', outOfBand: false },
      { name: 'query-status', args: {}, id: 'stubferry-2', outOfBand: false },
    ]);
  });

  it('says where it is connected to', async () => {
    await startQemu();
    expect((await connect()).path).toBe(scratch('qmp.sock'));
  });

  it('writes each command on a line of its own', async () => {
    const qemu = await startQemu(ECHO);
    const client = await connect();
    await client.ask('echo', { text: 'a\nb' }, SOON);
    expect(qemu.bytesOf(0).toString().split('\r\n')).toEqual([
      '{"execute":"qmp_capabilities","arguments":{},"id":"stubferry-1"}',
      '{"execute":"echo","arguments":{"text":"a\\nb"},"id":"stubferry-2"}',
      '',
    ]);
  });

  it('gives each command its own reply, in whatever order they come', async () => {
    const asked: unknown[] = [];
    await startQemu({
      hold: async ({ args, id }, qemu) => {
        asked.push({ return: args, id });
        if (asked.length === 3)
          await qemu.say(
            asked
              .reverse()
              .map((reply) => JSON.stringify(reply))
              .join(''),
          );
        return SILENCE;
      },
    });
    const client = await connect();
    const replies = [1, 2, 3].map((turn) => client.ask('hold', { turn }, SOON));
    await expect(Promise.all(replies)).resolves.toEqual([{ turn: 1 }, { turn: 2 }, { turn: 3 }]);
  });

  it('tells a listener of events, before, between and after replies', async () => {
    await startQemu(
      {
        echo: async ({ args }, qemu) => {
          await qemu.event('STOP');
          void Promise.resolve().then(() => qemu.event('RESUME', { a: 1 }));
          return args;
        },
      },
      { greeting: `${GREETING}{"event": "SHUTDOWN"}\r\n` },
    );
    const events: unknown[] = [];
    const client = await connect({ onEvent: (name, data) => void events.push([name, data]) });
    await client.ask('echo', {}, SOON);
    await until(() => events.length === 3);
    expect(events).toEqual([
      ['SHUTDOWN', undefined],
      ['STOP', {}],
      ['RESUME', { a: 1 }],
    ]);
  });

  it.each([1, 2, 3, 7, 64])('understands QEMU %i bytes at a time', async (pieceBytes) => {
    await startQemu({ echo: ({ args }) => args }, { pieceBytes });
    const events: string[] = [];
    const client = await connect({ onEvent: (name) => void events.push(name) });
    const text = '}{"\\\u00e9\u{1f600}';
    await expect(client.ask('echo', { text }, SOON)).resolves.toEqual({ text });
  });

  it('understands messages that come all at once', async () => {
    await startQemu({
      burst: async ({ id }, qemu) => {
        await qemu.say(`{"event": "A"}{"return": 1, "id": ${JSON.stringify(id)}}\r\n{"event": "B"}\r\n`);
        return SILENCE;
      },
    });
    const events: string[] = [];
    const client = await connect({ onEvent: (name) => void events.push(name) });
    await expect(client.ask('burst', {}, SOON)).resolves.toBe(1);
    expect(events).toEqual(['A', 'B']);
  });

  it('takes a reply of a mebibyte', async () => {
    const names = Array.from({ length: 50_000 }, (_, place) => `a command, number ${place}`);
    await startQemu({ 'query-commands': () => names });
    const client = await connect();
    await expect(client.ask('query-commands', {}, SOON)).resolves.toEqual(names);
  });

  it('resolves `ended` when it is closed', async () => {
    const qemu = await startQemu();
    const client = await connect();
    client.close();
    await expect(client.ended).resolves.toBeUndefined();
    await until(() => qemu.present === 0);
  });

  it('resolves `ended` when QEMU ends', async () => {
    const qemu = await startQemu();
    const client = await connect();
    await qemu.hangUp();
    await expect(client.ended).resolves.toBeUndefined();
  });
});
