/** A QEMU that does not answer: each wait has its limit, and each can be broken off. */
import { describe, expect, it } from '@jest/globals';
import { QmpClient } from '../../../../src/qemu/qmp/index.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

describe('a QEMU that says nothing', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();
  const time = passingTime();

  it('instead of a greeting is QMP_TIMEOUT after 5 s', async () => {
    const qemu = await startQemu({}, { greeting: '' });
    time.stop();
    const connecting = connect();
    connecting.catch(() => undefined);
    await time.pass(4_999);
    expect(await isPending(connecting)).toBe(true);
    await time.pass(1);
    await expect(connecting).rejects.toMatchObject({
      code: 'QMP_TIMEOUT',
      message: "QEMU's monitor does not greet",
      details: {
        where: scratch('qmp.sock'),
        expected: 'a greeting within 5000 ms',
        found: 'none',
        hint: 'a monitor serves one client at a time: is another one connected? Else QEMU is stuck',
      },
    });
    await until(() => qemu.present === 0);
    expect(time.waiting()).toBe(0);
  });

  it('instead of a greeting has the time of a QEMU that is starting, when that is longer', async () => {
    await startQemu({}, { greeting: '' });
    time.stop();
    const connecting = connect({ greetingMs: 30_000 });
    connecting.catch(() => undefined);
    await time.pass(29_999);
    expect(await isPending(connecting)).toBe(true);
    await time.pass(1);
    await expect(connecting).rejects.toMatchObject({ details: { expected: 'a greeting within 30000 ms' } });
  });

  it('to the negotiation is QMP_TIMEOUT', async () => {
    const qemu = await startQemu({ qmp_capabilities: () => SILENCE });
    time.stop();
    const connecting = connect();
    connecting.catch(() => undefined);
    await until(() => qemu.asked.length === 1);
    await time.pass(5_000);
    await expect(connecting).rejects.toMatchObject({
      code: 'QMP_TIMEOUT',
      message: "QEMU did not answer 'qmp_capabilities'",
      details: { expected: 'a reply within 5000 ms' },
    });
  });

  it('to a command is QMP_TIMEOUT after the time that the command has', async () => {
    await startQemu({ wait: () => SILENCE });
    const client = await connect();
    time.stop();
    const reply = client.ask('wait', {}, { timeoutMs: 700 });
    reply.catch(() => undefined);
    await time.pass(699);
    expect(await isPending(reply)).toBe(true);
    await time.pass(1);
    await expect(reply).rejects.toMatchObject({
      code: 'QMP_TIMEOUT',
      message: "QEMU did not answer 'wait'",
      details: {
        where: scratch('qmp.sock'),
        expected: 'a reply within 700 ms',
        found: 'none',
        hint: 'its main loop is busy or stuck: look at its log, and at the storage of the guest',
      },
    });
  });

  it('is waited for as long as it likes where there is no limit', async () => {
    await startQemu({ wait: () => SILENCE });
    const client = await connect();
    time.stop();
    const reply = client.ask('wait', {}, NO_LIMIT);
    reply.catch(() => undefined);
    await settled(10);
    expect(time.waiting()).toBe(0);
    expect(await isPending(reply)).toBe(true);
  });

  it('until it is too late is not confused with the answer to the next command', async () => {
    const qemu = await startQemu({ wait: () => SILENCE, stop: () => 'stopped' });
    const client = await connect();
    await expect(client.ask('wait', {}, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    await qemu.say('{"return": "late", "id": "stubferry-2"}\r\n');
    await expect(client.ask('stop', {}, SOON)).resolves.toBe('stopped');
  });

  it('and refuses when it is too late leaves the connection usable, too', async () => {
    const qemu = await startQemu({ wait: () => SILENCE, stop: () => 'stopped' });
    const client = await connect();
    await expect(client.ask('wait', {}, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    await qemu.say('{"error": {"class": "GenericError", "desc": "late"}, "id": "stubferry-2"}\r\n');
    await expect(client.ask('stop', {}, SOON)).resolves.toBe('stopped');
  });
});

describe('a command that nobody waits for any more', () => {
  const { qemu: startQemu, client: connect } = stage();

  it('is not named as the one in whose middle QEMU ended', async () => {
    const qemu = await startQemu({ wait: () => SILENCE });
    const client = await connect();
    await expect(client.ask('wait', {}, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    await qemu.hangUp();
    await client.ended;
    await expect(client.ask('stop', {}, SOON)).rejects.toMatchObject({ message: 'QEMU closed its monitor' });
  });
});

describe('an abort', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();
  const REASON = new Error('not wanted any more');

  it('ends the waiting for a greeting, with its reason', async () => {
    const qemu = await startQemu({}, { greeting: '' });
    const abort = new AbortController();
    const connecting = QmpClient.connect(scratch('qmp.sock'), { waitMs: 0, signal: abort.signal });
    await until(() => qemu.present === 1);
    await settled(5);
    abort.abort(REASON);
    await expect(connecting).rejects.toBe(REASON);
    await until(() => qemu.present === 0);
  });

  it('ends the waiting for the negotiation, with its reason', async () => {
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

  it('ends the waiting for a reply, and the connection goes on', async () => {
    await startQemu({ wait: () => SILENCE, stop: () => 'stopped' });
    const client = await connect();
    const abort = new AbortController();
    const reply = client.ask('wait', {}, { timeoutMs: undefined, signal: abort.signal });
    abort.abort(REASON);
    await expect(reply).rejects.toBe(REASON);
    await expect(client.ask('stop', {}, SOON)).resolves.toBe('stopped');
  });

  it('that came before is heard of', async () => {
    const qemu = await startQemu({ stop: () => 'stopped' });
    const client = await connect();
    await expect(client.ask('stop', {}, { ...SOON, signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON);
    await settled(5);
    expect(qemu.names).toEqual([]);
    const connecting = QmpClient.connect(scratch('qmp.sock'), { waitMs: 0, signal: AbortSignal.abort(REASON) });
    await expect(connecting).rejects.toBe(REASON);
    expect(qemu.visits).toBe(1);
  });
});
