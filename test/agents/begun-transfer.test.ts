import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AgentContext } from '../../src/agents/agent-context.js';
import { BegunTransfer } from '../../src/agents/begun-transfer.js';
import { runTransfer } from '../../src/agents/run-transfer.js';
import { DEFAULT_TIMEOUTS } from '../../src/channel/index.js';
import { StubferryError } from '../../src/errors/index.js';
import type { TransferSummary } from '../../src/transfer/index.js';
import { refusal, SMALL, type TestDisk, testDisk } from '../channel/disks.js';
import { until } from '../qmp/until.js';
import { contentOf, type MemorySink, memorySink, memorySource, stateOf, toSend } from '../transfer/endpoints.js';
import { SILENT_LOG } from './silent-log.js';

const STATE = stateOf(20_000);
const NEVER = new AbortController().signal;

describe('a transfer that has begun before there is a state', () => {
  let disk: TestDisk;
  let sink: MemorySink;
  let dom0: AbortController;
  let receiving: Promise<TransferSummary>;
  let begun: BegunTransfer;

  function context(signal: AbortSignal): AgentContext {
    const timeouts = { ...DEFAULT_TIMEOUTS, heartbeatMs: 5 };
    return { timeouts, signal, onEvent: () => undefined, log: SILENT_LOG };
  }

  /** What the sender says on the disk. */
  async function said(): Promise<string | undefined> {
    const link = await disk.link('receiver', 99n);
    const control = await link.peer.poll().catch((error: StubferryError) => error);
    await link.close();
    return control instanceof StubferryError ? control.message : control?.phase;
  }

  beforeEach(async () => {
    disk = await testDisk();
    sink = memorySink();
    dom0 = new AbortController();
    receiving = runTransfer(disk.device, SMALL, { role: 'receiver', sink }, context(dom0.signal));
    receiving.catch(() => undefined);
    begun = new BegunTransfer(disk.device, SMALL, context(NEVER));
  });
  afterEach(async () => {
    await begun.end();
    dom0.abort(new StubferryError('CANCELLED', 'the test is over'));
    await receiving.catch(() => undefined);
  });

  it('carries the state that it is used for, and tells at once that it is safe', async () => {
    let safe = false;
    const sending = { open: toSend(memorySource(STATE)), onSafe: () => (safe = true) };
    const { end } = await begun.use(sending, NEVER);
    expect(end.stateBytes).toBe(STATE.length);
    expect([safe, contentOf(sink)]).toEqual([true, STATE]);
    await receiving;
  });

  it('asks for no state until it is used, however long that takes', async () => {
    await delay(50);
    expect(begun.error).toBeUndefined();
    expect(sink.calls).toEqual([]);
    let asked = 0;
    const open = async () => {
      asked += 1;
      return toSend(memorySource(STATE))();
    };
    await begun.use({ open, onSafe: () => undefined }, NEVER);
    expect(asked).toBe(1);
  });

  it('tells dom0 when it is ended unused', async () => {
    await begun.end();
    expect(await refusal(receiving)).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the sender gave up: CANCELLED: no state is saved over this disk',
    });
    expect(sink.calls).toEqual(['discard']);
  });

  it('fails with the reason of its user, and tells dom0', async () => {
    const left = new AbortController();
    const reason = new StubferryError('CANCELLED', 'the toolstack has left');
    const used = begun.use({ open: () => new Promise(() => undefined), onSafe: () => undefined }, left.signal);
    left.abort(reason);
    expect(await refusal(used)).toBe(reason);
    expect(await refusal(receiving)).toMatchObject({
      message: 'the sender gave up: CANCELLED: the toolstack has left',
    });
  });

  it('is not used by somebody who has left already', async () => {
    const reason = new StubferryError('CANCELLED', 'the toolstack has left');
    const used = begun.use({ open: toSend(memorySource(STATE)), onSafe: () => undefined }, AbortSignal.abort(reason));
    expect(await refusal(used)).toBe(reason);
    expect(sink.calls).not.toContain('commit');
  });

  it('knows why it has failed, and so does who uses it then', async () => {
    dom0.abort(new StubferryError('TRANSFER_EXPIRED', 'nobody has asked for it'));
    await until(() => begun.error !== undefined);
    expect(begun.error).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the receiver gave up: TRANSFER_EXPIRED: nobody has asked for it',
    });
    expect(await refusal(begun.use({ open: toSend(memorySource(STATE)), onSafe: () => undefined }, NEVER))).toBe(
      begun.error,
    );
  });

  it('is the sender on its disk from the beginning', async () => {
    dom0.abort(new StubferryError('CANCELLED', 'the test looks itself'));
    await receiving.catch(() => undefined);
    const other = await testDisk();
    const alone = new BegunTransfer(other.device, SMALL, context(NEVER));
    disk = other;
    await until(async () => (await said()) === 'ready');
    await alone.end();
    expect(await said()).toBe('the sender gave up: CANCELLED: no state is saved over this disk');
  });
});
