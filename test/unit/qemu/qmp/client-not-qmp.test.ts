/** A peer that is not a QMP server, or that violates the protocol. */
import { describe, expect, it } from '@jest/globals';
import { GREETING, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

describe('QmpClient rejects with QMP_PROTOCOL', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  it.each([
    [
      'a human monitor',
      "QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ",
      `"QEMU 7.2.22 monitor - type 'help' for more information\\\\u{d}\\\\u{a}(qemu) "`,
    ],
    ['ssh', 'SSH-2.0-OpenSSH_9.2\r\n', '"SSH-2.0-OpenSSH_9.2\\\\u{d}\\\\u{a}"'],
    ['an object of another kind', '{"hello": "world"}\r\n', '"{\\"hello\\": \\"world\\"}"'],
    ['terminal escapes', '\u001bMx', '"\\\\u{1b}Mx"'],
    ['a long text', 'x'.repeat(200), `"${'x'.repeat(80)}..."`],
  ])('and the received text when the greeting is %s', async (_what, greeting, found) => {
    await startQemu({}, { greeting });
    await expect(connect()).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      message: 'the peer does not speak QMP',
      details: {
        where: scratch('qmp.sock'),
        expected: 'a message of a QMP server',
        found,
      },
    });
  });

  it("and the peer's reason when the peer sends an error instead of a greeting", async () => {
    const greeting = '{"error": {"class": "GenericError", "desc": "busy\\n"}}\r\n';
    await startQemu({}, { greeting });
    await expect(connect()).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: 'the error: busy\\u{a}' },
    });
  });

  it('when the peer replies to a command that was not sent', async () => {
    const qemu = await startQemu({ wait: () => SILENCE });
    const client = await connect();
    const reply = client.execute('wait', {}, NO_LIMIT);
    void qemu.send('{"return": {}, "id": "stubferry-3"}');
    await expect(reply).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: 'a reply to no pending command' },
    });
    await client.ended;
    await until(() => qemu.present === 0);
  });

  it('when the peer replies twice', async () => {
    const qemu = await startQemu({ stop: () => ({}) });
    const client = await connect();
    await client.execute('stop', {}, SOON);
    void qemu.send('{"return": {}, "id": "stubferry-2"}');
    await client.ended;
    await expect(client.execute('stop', {}, SOON)).rejects.toMatchObject({ code: 'QMP_PROTOCOL' });
  });

  it('when the peer sends text between messages', async () => {
    await startQemu({ stop: () => ({}) }, { greeting: `${GREETING}\r\n \r\nhello` });
    await expect(connect()).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: expect.stringContaining('hello') },
    });
  });

  it('when a message is longer than 4 MiB, before the message ends', async () => {
    await startQemu({
      flood: async (_command, qemu) => {
        await qemu.send(`{"return": "${'x'.repeat(4 * 1024 * 1024)}`);
        return SILENCE;
      },
    });
    const client = await connect();
    await expect(client.execute('flood', {}, NO_LIMIT)).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: 'a message of more than 4194304 bytes' },
    });
  });
});
