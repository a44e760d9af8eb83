/** A QEMU that does not reply: each wait has a limit, and each can be aborted. */
import { describe, expect, it } from '@jest/globals';
import { QmpClient } from '../../../../src/qemu/qmp/index.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

describe('when QEMU sends nothing, QmpClient', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();
  const time = passingTime();

  it('rejects with QMP_TIMEOUT after 5 s without a greeting', async () => {
    const qemu = await startQemu({}, { greeting: '' });
    time.stop();
    const connecting = connect();
    connecting.catch(() => undefined);
    await time.pass(4_999);
    expect(await isPending(connecting)).toBe(true);
    await time.pass(1);
    await expect(connecting).rejects.toMatchObject({
      code: 'QMP_TIMEOUT',
      message: 'no QMP greeting',
      details: {
        where: scratch('qmp.sock'),
        expected: 'a greeting within 5000 ms',
        found: 'none',
      },
    });
    await until(() => qemu.present === 0);
    expect(time.waiting()).toBe(0);
  });

  it('waits longer for the greeting of a QEMU that is still starting', async () => {
    await startQemu({}, { greeting: '' });
    time.stop();
    const connecting = connect({ greetingMs: 30_000 });
    connecting.catch(() => undefined);
    await time.pass(29_999);
    expect(await isPending(connecting)).toBe(true);
    await time.pass(1);
    await expect(connecting).rejects.toMatchObject({ details: { expected: 'a greeting within 30000 ms' } });
  });

  it('rejects with QMP_TIMEOUT during the negotiation', async () => {
    const qemu = await startQemu({ qmp_capabilities: () => SILENCE });
    time.stop();
    const connecting = connect();
    connecting.catch(() => undefined);
    await until(() => qemu.commands.length === 1);
    await time.pass(5_000);
    await expect(connecting).rejects.toMatchObject({
      code: 'QMP_TIMEOUT',
      message: "QEMU did not reply to 'qmp_capabilities'",
      details: { expected: 'a reply within 5000 ms' },
    });
  });

  it('rejects a command with QMP_TIMEOUT after its own limit', async () => {
    await startQemu({ wait: () => SILENCE });
    const client = await connect();
    time.stop();
    const reply = client.execute('wait', {}, { timeoutMs: 700 });
    reply.catch(() => undefined);
    await time.pass(699);
    expect(await isPending(reply)).toBe(true);
    await time.pass(1);
    await expect(reply).rejects.toMatchObject({
      code: 'QMP_TIMEOUT',
      message: "QEMU did not reply to 'wait'",
      details: {
        where: scratch('qmp.sock'),
        expected: 'a reply within 700 ms',
        found: 'none',
      },
    });
  });

  it('waits indefinitely when a command has no limit', async () => {
    await startQemu({ wait: () => SILENCE });
    const client = await connect();
    time.stop();
    const reply = client.execute('wait', {}, NO_LIMIT);
    reply.catch(() => undefined);
    await settled(10);
    expect(time.waiting()).toBe(0);
    expect(await isPending(reply)).toBe(true);
  });

  it('does not take a late reply for the reply to the next command', async () => {
    const qemu = await startQemu({ wait: () => SILENCE, stop: () => 'stopped' });
    const client = await connect();
    await expect(client.execute('wait', {}, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    await qemu.send('{"return": "late", "id": "stubferry-2"}\r\n');
    await expect(client.execute('stop', {}, SOON)).resolves.toBe('stopped');
  });

  it('keeps the connection usable after a late error reply', async () => {
    const qemu = await startQemu({ wait: () => SILENCE, stop: () => 'stopped' });
    const client = await connect();
    await expect(client.execute('wait', {}, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    await qemu.send('{"error": {"class": "GenericError", "desc": "late"}, "id": "stubferry-2"}\r\n');
    await expect(client.execute('stop', {}, SOON)).resolves.toBe('stopped');
  });
});

describe('an abandoned command', () => {
  const { qemu: startQemu, client: connect } = stage();

  it('is not named in the error when QEMU disconnects', async () => {
    const qemu = await startQemu({ wait: () => SILENCE });
    const client = await connect();
    await expect(client.execute('wait', {}, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    await qemu.hangUp();
    await client.ended;
    await expect(client.execute('stop', {}, SOON)).rejects.toMatchObject({ message: 'QEMU closed its monitor' });
  });
});

describe('an abort', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();
  const REASON = new Error('cancelled');

  it('ends the wait for a greeting with its reason', async () => {
    const qemu = await startQemu({}, { greeting: '' });
    const abort = new AbortController();
    const connecting = QmpClient.connect(scratch('qmp.sock'), { waitMs: 0, signal: abort.signal });
    await until(() => qemu.present === 1);
    await settled(5);
    abort.abort(REASON);
    await expect(connecting).rejects.toBe(REASON);
    await until(() => qemu.present === 0);
  });

  it('ends the wait for the negotiation with its reason', async () => {
    const abort = new AbortController();
    const qemu = await startQemu({
      qmp_capabilities: () => {
        abort.abort(REASON);
        return SILENCE;
      },
    });
    const connecting = QmpClient.connect(scratch('qmp.sock'), { waitMs: 0, signal: abort.signal });
    await expect(connecting).rejects.toBe(REASON);
    await until(() => qemu.present === 0);
  });

  it('ends the wait for a reply, and the connection stays usable', async () => {
    await startQemu({ wait: () => SILENCE, stop: () => 'stopped' });
    const client = await connect();
    const abort = new AbortController();
    const reply = client.execute('wait', {}, { timeoutMs: undefined, signal: abort.signal });
    abort.abort(REASON);
    await expect(reply).rejects.toBe(REASON);
    await expect(client.execute('stop', {}, SOON)).resolves.toBe('stopped');
  });

  it('is respected when it happened before the call', async () => {
    const qemu = await startQemu({ stop: () => 'stopped' });
    const client = await connect();
    await expect(client.execute('stop', {}, { ...SOON, signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON);
    await settled(5);
    expect(qemu.names).toEqual([]);
    const connecting = QmpClient.connect(scratch('qmp.sock'), { waitMs: 0, signal: AbortSignal.abort(REASON) });
    await expect(connecting).rejects.toBe(REASON);
    expect(qemu.visits).toBe(1);
  });
});
