/** Every way in which QEMU can close the connection unexpectedly. */
import { describe, expect, it } from '@jest/globals';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

/** A QEMU that disconnects in the middle of a command. */
const ENDING: Script = {
  die: async (_command, qemu) => {
    await qemu.hangUp();
    return SILENCE;
  },
};

describe('when QEMU closes its monitor, QmpClient', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  it('rejects a pending command with QEMU_GONE and names the command', async () => {
    await startQemu(ENDING);
    const client = await connect();
    await expect(client.execute('die', {}, SOON)).rejects.toMatchObject({
      code: 'QEMU_GONE',
      message: "QEMU closed its monitor in the middle of 'die'",
      details: {
        where: scratch('qmp.sock'),
        found: 'end of file',
      },
    });
  });

  it('rejects every pending command with QEMU_GONE', async () => {
    await startQemu({ ...ENDING, wait: () => SILENCE });
    const client = await connect();
    const replies = [
      client.execute('wait', {}, NO_LIMIT),
      client.execute('wait', {}, SOON),
      client.execute('die', {}, SOON),
    ];
    for (const reply of replies) {
      expect((await rejectionOf(reply)).message).toBe("QEMU closed its monitor in the middle of 'wait'");
    }
  });

  it('rejects a later command with QEMU_GONE', async () => {
    const qemu = await startQemu();
    const client = await connect();
    await qemu.hangUp();
    await client.ended;
    await expect(client.execute('stop', {}, SOON)).rejects.toMatchObject({
      code: 'QEMU_GONE',
      message: 'QEMU closed its monitor',
    });
  });

  it('rejects with QEMU_GONE after a truncated reply', async () => {
    await startQemu({
      die: async ({ id }, qemu) => {
        await qemu.send(`{"return": {}, "id": ${JSON.stringify(id)}`);
        await qemu.hangUp();
        return SILENCE;
      },
    });
    const client = await connect();
    await expect(client.execute('die', {}, SOON)).rejects.toMatchObject({ code: 'QEMU_GONE' });
  });

  it('rejects with QEMU_GONE and the cause when QEMU has not read the whole command', async () => {
    const qemu = await startQemu();
    const client = await connect();
    qemu.stopReading();
    const reply = client.execute('stop', { more: 'x'.repeat(200_000) }, SOON);
    await settled(5);
    await qemu.hangUp();
    const error = await rejectionOf(reply);
    expect(error).toMatchObject({ code: 'QEMU_GONE', message: "QEMU closed its monitor in the middle of 'stop'" });
    expect(error.cause).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([
    ['before its greeting', ''],
    ['in the middle of its greeting', GREETING.slice(0, 40)],
  ])('rejects with QEMU_GONE %s', async (_when, greeting) => {
    const qemu = await startQemu({}, { greeting });
    const connecting = connect();
    connecting.catch(() => undefined);
    await until(() => qemu.present === 1);
    await qemu.hangUp();
    await expect(connecting).rejects.toMatchObject({ code: 'QEMU_GONE', message: 'QEMU closed its monitor' });
  });

  it('rejects with QEMU_GONE in the middle of the negotiation', async () => {
    await startQemu({
      qmp_capabilities: async (_command, qemu) => {
        await qemu.hangUp();
        return SILENCE;
      },
    });
    await expect(connect()).rejects.toMatchObject({
      code: 'QEMU_GONE',
      message: "QEMU closed its monitor in the middle of 'qmp_capabilities'",
    });
  });
});
