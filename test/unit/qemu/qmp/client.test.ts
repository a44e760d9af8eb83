import { describe, expect, it } from '@jest/globals';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };

/** A QEMU that returns the arguments of `echo`. */
const ECHO: Script = { echo: ({ args }) => args };

describe('QmpClient', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  it('reads the greeting and negotiates before any other command', async () => {
    const qemu = await startQemu({ 'query-status': () => ({ status: 'running', running: true }) });
    const client = await connect();
    expect(client.qemuVersion).toBe('7.2.22 (Debian 1:7.2+dfsg-7)');
    await expect(client.execute('query-status', {}, SOON)).resolves.toEqual({ status: 'running', running: true });
    expect(qemu.commands).toEqual([
      { name: 'qmp_capabilities', args: {}, id: 'stubferry-1', outOfBand: false },
      { name: 'query-status', args: {}, id: 'stubferry-2', outOfBand: false },
    ]);
  });

  it('has the path of its socket', async () => {
    await startQemu();
    expect((await connect()).path).toBe(scratch('qmp.sock'));
  });

  it('writes each command on its own line', async () => {
    const qemu = await startQemu(ECHO);
    const client = await connect();
    await client.execute('echo', { text: 'a\nb' }, SOON);
    expect(qemu.bytesOf(0).toString().split('\r\n')).toEqual([
      '{"execute":"qmp_capabilities","arguments":{},"id":"stubferry-1"}',
      '{"execute":"echo","arguments":{"text":"a\\nb"},"id":"stubferry-2"}',
      '',
    ]);
  });

  it('matches replies to commands in any order', async () => {
    const waiting: unknown[] = [];
    await startQemu({
      hold: async ({ args, id }, qemu) => {
        waiting.push({ return: args, id });
        if (waiting.length === 3)
          await qemu.send(
            waiting
              .reverse()
              .map((reply) => JSON.stringify(reply))
              .join(''),
          );
        return SILENCE;
      },
    });
    const client = await connect();
    const replies = [1, 2, 3].map((turn) => client.execute('hold', { turn }, SOON));
    await expect(Promise.all(replies)).resolves.toEqual([{ turn: 1 }, { turn: 2 }, { turn: 3 }]);
  });

  it('passes events to the callback, before, between and after replies', async () => {
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
    await client.execute('echo', {}, SOON);
    await until(() => events.length === 3);
    expect(events).toEqual([
      ['SHUTDOWN', undefined],
      ['STOP', {}],
      ['RESUME', { a: 1 }],
    ]);
  });

  it.each([1, 2, 3, 7, 64])('parses messages that arrive %i bytes at a time', async (chunkBytes) => {
    await startQemu({ echo: ({ args }) => args }, { chunkBytes });
    const events: string[] = [];
    const client = await connect({ onEvent: (name) => void events.push(name) });
    const text = '}{"\\\u00e9\u{1f600}';
    await expect(client.execute('echo', { text }, SOON)).resolves.toEqual({ text });
  });

  it('parses several messages in one chunk', async () => {
    await startQemu({
      burst: async ({ id }, qemu) => {
        await qemu.send(`{"event": "A"}{"return": 1, "id": ${JSON.stringify(id)}}\r\n{"event": "B"}\r\n`);
        return SILENCE;
      },
    });
    const events: string[] = [];
    const client = await connect({ onEvent: (name) => void events.push(name) });
    await expect(client.execute('burst', {}, SOON)).resolves.toBe(1);
    expect(events).toEqual(['A', 'B']);
  });

  it('accepts a reply of one mebibyte', async () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `a command, number ${index}`);
    await startQemu({ 'query-commands': () => names });
    const client = await connect();
    await expect(client.execute('query-commands', {}, SOON)).resolves.toEqual(names);
  });

  it('resolves `ended` when it is closed', async () => {
    const qemu = await startQemu();
    const client = await connect();
    client.close();
    await expect(client.ended).resolves.toBeUndefined();
    await until(() => qemu.present === 0);
  });

  it('resolves `ended` when QEMU disconnects', async () => {
    const qemu = await startQemu();
    const client = await connect();
    await qemu.hangUp();
    await expect(client.ended).resolves.toBeUndefined();
  });
});
