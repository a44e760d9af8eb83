/** The error replies of QEMU: each of its five error classes (qapi/error.json) has its own hint. */
import { describe, expect, it } from '@jest/globals';
import { Refusal } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';

const SOON = { timeoutMs: 10_000 };

describe('an error reply of QEMU', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  async function refusedWith(errorClass: string, desc = "it's so"): Promise<unknown> {
    await startQemu({ stop: () => new Refusal(desc, errorClass) });
    const client = await connect();
    return client.execute('stop', {}, SOON).catch((error: unknown) => error);
  }

  it.each([
    ['GenericError', "QEMU refused 'stop': it's so", undefined],
    [
      'CommandNotFound',
      "QEMU has no command 'stop' or does not accept it in its current state: it's so",
      expect.stringContaining('query-commands'),
    ],
    [
      'DeviceNotActive',
      "QEMU refused 'stop': the device is not active: it's so",
      expect.stringContaining('query-block and query-jobs'),
    ],
    ['DeviceNotFound', "QEMU refused 'stop': no such device: it's so", expect.stringContaining('command line')],
    [
      'KVMMissingCap',
      "QEMU refused 'stop': the hypervisor of this host lacks a capability: it's so",
      expect.stringContaining('another accelerator'),
    ],
    ['SomethingNew', "QEMU refused 'stop': it's so", undefined],
    ['constructor', "QEMU refused 'stop': it's so", undefined],
  ])('is QEMU_REFUSED with the message of the class %s', async (errorClass, message, hint) => {
    expect(await refusedWith(errorClass)).toMatchObject({
      name: 'StubferryError',
      code: 'QEMU_REFUSED',
      status: 64,
      message,
      details: { where: scratch('qmp.sock'), found: errorClass, hint },
    });
  });

  it('is escaped and shortened for the terminal', async () => {
    expect(await refusedWith('\u001b[2J', `\u001b[2J\n${'x'.repeat(1000)}`)).toMatchObject({
      message: `QEMU refused 'stop': \\u{1b}[2J\\u{a}${'x'.repeat(395)}...`,
      details: { found: '\\u{1b}[2J' },
    });
  });

  it('leaves the connection usable', async () => {
    await startQemu({ stop: () => new Refusal('no'), cont: () => ({}) });
    const client = await connect();
    await expect(client.execute('stop', {}, SOON)).rejects.toMatchObject({ code: 'QEMU_REFUSED' });
    await expect(client.execute('cont', {}, SOON)).resolves.toEqual({});
  });

  it('to the negotiation makes the connection fail', async () => {
    const qemu = await startQemu({ qmp_capabilities: () => new Refusal('not now') });
    await expect(connect()).rejects.toMatchObject({
      code: 'QEMU_REFUSED',
      message: "QEMU refused 'qmp_capabilities': not now",
    });
    expect(qemu.visits).toBe(1);
  });
});
