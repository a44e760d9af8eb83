/** A connection that is over leaves nothing open, and nobody waiting. */
import { describe, expect, it } from '@jest/globals';
import { QmpClient } from '../../../../src/qemu/qmp/index.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

describe('a connection', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  it('that is closed fails the commands that wait', async () => {
    await startQemu({ wait: () => SILENCE });
    const client = await connect();
    const reply = client.ask('wait', {}, NO_LIMIT);
    reply.catch(() => undefined);
    client.close();
    await expect(reply).rejects.toMatchObject({ code: 'QEMU_GONE' });
  });

  it('leaves nothing open when it was closed in the middle of commands', async () => {
    await startQemu({ wait: () => SILENCE });
    const before = openResources();
    const abort = new AbortController();
    const client = await QmpClient.connect(scratch('qmp.sock'), { waitMs: 1000, signal: abort.signal });
    const replies = [client.ask('wait', {}, SOON), client.ask('wait', {}, { ...SOON, signal: abort.signal })];
    client.close();
    await Promise.allSettled(replies);
    await until(() => leftSince(before).length === 0);
  });

  it('that did not come about leaves nothing open', async () => {
    await startQemu({}, { greeting: 'hello' });
    const before = openResources();
    await expect(connect()).rejects.toMatchObject({ code: 'QMP_PROTOCOL' });
    await until(() => leftSince(before).length === 0);
  });
});
