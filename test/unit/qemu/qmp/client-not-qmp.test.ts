/** Whatever else may answer on the socket, or answer wrong. */
import { describe, expect, it } from '@jest/globals';
import { GREETING, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

describe('what does not speak QMP', () => {
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
    ['something long', 'x'.repeat(200), `"${'x'.repeat(80)}..."`],
  ])('such as %s is QMP_PROTOCOL, with what it said', async (_what, greeting, found) => {
    await startQemu({}, { greeting });
    await expect(connect()).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      message: 'what answers does not speak QMP as QEMU does',
      details: {
        where: scratch('qmp.sock'),
        expected: 'a message of a QMP server',
        found,
        hint: "is this the socket of QEMU's '-qmp', and not of a human monitor or a serial line?",
      },
    });
  });

  it('and refuses instead of greeting is QMP_PROTOCOL, with its reason', async () => {
    const greeting = '{"error": {"class": "GenericError", "desc": "busy\\n"}}\r\n';
    await startQemu({}, { greeting });
    await expect(connect()).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: 'the error: busy\\u{a}' },
    });
  });

  it('and answers what was not asked is QMP_PROTOCOL', async () => {
    const qemu = await startQemu({ wait: () => SILENCE });
    const client = await connect();
    const reply = client.ask('wait', {}, NO_LIMIT);
    void qemu.say('{"return": {}, "id": "stubferry-3"}');
    await expect(reply).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: 'a reply to a command that was not given' },
    });
    await client.ended;
    await until(() => qemu.present === 0);
  });

  it('and answers twice is QMP_PROTOCOL', async () => {
    const qemu = await startQemu({ stop: () => ({}) });
    const client = await connect();
    await client.ask('stop', {}, SOON);
    void qemu.say('{"return": {}, "id": "stubferry-2"}');
    await client.ended;
    await expect(client.ask('stop', {}, SOON)).rejects.toMatchObject({ code: 'QMP_PROTOCOL' });
  });

  it('and says something between messages is QMP_PROTOCOL', async () => {
    await startQemu({ stop: () => ({}) }, { greeting: `${GREETING}\r\n \r\nhello` });
    await expect(connect()).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: expect.stringContaining('hello') },
    });
  });

  it('and says more in one message than 4 MiB is QMP_PROTOCOL, before the message ends', async () => {
    await startQemu({
      flood: async (_asked, qemu) => {
        await qemu.say(`{"return": "${'x'.repeat(4 * 1024 * 1024)}`);
        return SILENCE;
      },
    });
    const client = await connect();
    await expect(client.ask('flood', {}, NO_LIMIT)).rejects.toMatchObject({
      code: 'QMP_PROTOCOL',
      details: { found: 'a message beyond 4194304 bytes' },
    });
  });
});
