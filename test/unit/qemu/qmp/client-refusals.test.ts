/** QEMU's refusals: it has five classes of errors (qapi/error.json), and each says something else to do. */
import { describe, expect, it } from '@jest/globals';
import { Refusal } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';

const SOON = { timeoutMs: 10_000 };

describe('a refusal of QEMU', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  async function refusedWith(errorClass: string, desc = "it's so"): Promise<unknown> {
    await startQemu({ stop: () => new Refusal(desc, errorClass) });
    const client = await connect();
    return client.ask('stop', {}, SOON).catch((error: unknown) => error);
  }

  it.each([
    ['GenericError', "QEMU refused 'stop': it's so", undefined],
    [
      'CommandNotFound',
      "this QEMU has no command 'stop', or does not take it now: it's so",
      'see what it was built with (query-commands), and whether it is still being started',
    ],
    [
      'DeviceNotActive',
      "QEMU refused 'stop': the device is not active: it's so",
      'a disk or a job of the guest is in use or not started: look at query-block and query-jobs',
    ],
    [
      'DeviceNotFound',
      "QEMU refused 'stop': it has no such device: it's so",
      'the machine is not the one that was expected: look at its command line',
    ],
    [
      'KVMMissingCap',
      "QEMU refused 'stop': the hypervisor of this machine cannot do it: it's so",
      'another kernel or another accelerator is needed',
    ],
    ['SomethingNew', "QEMU refused 'stop': it's so", undefined],
    ['constructor', "QEMU refused 'stop': it's so", undefined],
  ])('of class %s', async (errorClass, message, hint) => {
    expect(await refusedWith(errorClass)).toMatchObject({
      name: 'StubferryError',
      code: 'QEMU_REFUSED',
      status: 64,
      message,
      details: { where: scratch('qmp.sock'), found: errorClass, hint },
    });
  });

  it('cannot write to a terminal or fill it', async () => {
    expect(await refusedWith('\u001b[2J', `\u001b[2J\n${'x'.repeat(1000)}`)).toMatchObject({
      message: `QEMU refused 'stop': \\u{1b}[2J\\u{a}${'x'.repeat(395)}...`,
      details: { found: '\\u{1b}[2J' },
    });
  });

  it('leaves the connection as it was', async () => {
    await startQemu({ stop: () => new Refusal('no'), cont: () => ({}) });
    const client = await connect();
    await expect(client.ask('stop', {}, SOON)).rejects.toMatchObject({ code: 'QEMU_REFUSED' });
    await expect(client.ask('cont', {}, SOON)).resolves.toEqual({});
  });

  it('of the negotiation is why there is no connection', async () => {
    const qemu = await startQemu({ qmp_capabilities: () => new Refusal('not now') });
    await expect(connect()).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
      message: "QEMU refused 'qmp_capabilities': not now",
    });
    expect(qemu.visits).toBe(1);
  });
});
