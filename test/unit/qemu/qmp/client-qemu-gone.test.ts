/** Every way in which QEMU can close the connection that nobody wanted. */
import { describe, expect, it } from '@jest/globals';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

/** A QEMU that ends in the middle of a command. */
const ENDING: Script = {
  die: async (_asked, qemu) => {
    await qemu.hangUp();
    return SILENCE;
  },
};

describe('a QEMU that closes its monitor', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  it('in the middle of a command is QEMU_GONE, and the command is named', async () => {
    await startQemu(ENDING);
    const client = await connect();
    await expect(client.ask('die', {}, SOON)).rejects.toMatchObject({
      code: 'QEMU_GONE',
      message: "QEMU closed its monitor in the middle of 'die'",
      details: {
        where: scratch('qmp.sock'),
        found: 'end of file',
        hint: 'it has ended or was killed: see its log',
      },
    });
  });

  it('is QEMU_GONE for every command that waits', async () => {
    await startQemu({ ...ENDING, wait: () => SILENCE });
    const client = await connect();
    const replies = [client.ask('wait', {}, NO_LIMIT), client.ask('wait', {}, SOON), client.ask('die', {}, SOON)];
    for (const reply of replies) {
      expect((await rejectionOf(reply)).message).toBe("QEMU closed its monitor in the middle of 'wait'");
    }
  });

  it('is QEMU_GONE for what is asked after that', async () => {
    const qemu = await startQemu();
    const client = await connect();
    await qemu.hangUp();
    await client.ended;
    await expect(client.ask('stop', {}, SOON)).rejects.toMatchObject({
      code: 'QEMU_GONE',
      message: 'QEMU closed its monitor',
    });
  });

  it('half way through a reply is QEMU_GONE, not half a reply', async () => {
    await startQemu({
      die: async ({ id }, qemu) => {
        await qemu.say(`{"return": {}, "id": ${JSON.stringify(id)}`);
        await qemu.hangUp();
        return SILENCE;
      },
    });
    const client = await connect();
    await expect(client.ask('die', {}, SOON)).rejects.toMatchObject({ code: 'QEMU_GONE' });
  });

  it('and did not read all is QEMU_GONE, with the reason', async () => {
    const qemu = await startQemu();
    const client = await connect();
    qemu.stopReading();
    const reply = client.ask('stop', { more: 'x'.repeat(200_000) }, SOON);
    await settled(5);
    await qemu.hangUp();
    const error = await rejectionOf(reply);
    expect(error).toMatchObject({ code: 'QEMU_GONE', message: "QEMU closed its monitor in the middle of 'stop'" });
    expect(error.cause).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([
    ['before its greeting', ''],
    ['half way through its greeting', GREETING.slice(0, 40)],
  ])('%s is QEMU_GONE', async (_when, greeting) => {
    const qemu = await startQemu({}, { greeting });
    const connecting = connect();
    connecting.catch(() => undefined);
    await until(() => qemu.present === 1);
    await qemu.hangUp();
    await expect(connecting).rejects.toMatchObject({ code: 'QEMU_GONE', message: 'QEMU closed its monitor' });
  });

  it('in the middle of the negotiation is QEMU_GONE', async () => {
    await startQemu({
      qmp_capabilities: async (_asked, qemu) => {
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
