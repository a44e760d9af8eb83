/** A closed connection leaves no open resource and no pending command. */
import { describe, expect, it } from '@jest/globals';
import { QmpClient } from '../../../../src/qemu/qmp/index.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { until } from '../../../support/qmp/until.js';

const SOON = { timeoutMs: 10_000 };
const NO_LIMIT = { timeoutMs: undefined };

describe('QmpClient.close()', () => {
  const { scratch, qemu: startQemu, client: connect } = stage();

  it('rejects the pending commands', async () => {
    await startQemu({ wait: () => SILENCE });
    const client = await connect();
    const reply = client.execute('wait', {}, NO_LIMIT);
    reply.catch(() => undefined);
    client.close();
    await expect(reply).rejects.toMatchObject({ code: 'QEMU_GONE' });
  });

  it('leaves no open resource when commands are pending', async () => {
    await startQemu({ wait: () => SILENCE });
    const before = openResources();
    const abort = new AbortController();
    const client = await QmpClient.connect(scratch('qmp.sock'), { waitMs: 1000, signal: abort.signal });
    const replies = [client.execute('wait', {}, SOON), client.execute('wait', {}, { ...SOON, signal: abort.signal })];
    client.close();
    await Promise.allSettled(replies);
    await until(() => leftSince(before).length === 0);
  });

  it('is not needed after a failed connection: it leaves no open resource', async () => {
    await startQemu({}, { greeting: 'hello' });
    const before = openResources();
    await expect(connect()).rejects.toMatchObject({ code: 'QMP_PROTOCOL' });
    await until(() => leftSince(before).length === 0);
  });
});
