/** A restore into QEMU: what counts is that QEMU has loaded the state, not that a pipe took it. */
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import type { ByteOutput } from '../../../../src/formats/byte-output.js';
import { IncomingQemu, LoadingOutput } from '../../../../src/qemu/index.js';
import { MemoryOutput } from '../../../support/io/memory-output.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import type { ScriptedQemu } from '../../../support/qmp/scripted-qemu.js';
import { NEVER, stage } from '../../../support/qmp/stage.js';
import { isPending, settled, until } from '../../../support/qmp/until.js';

const BROKEN_PIPE = new StubferryError('DESTINATION_GONE', 'cannot write the destination: EPIPE');

/** A pipe to QEMU whose feeding ends when the test says so. */
class HeldFeed extends MemoryOutput {
  fed: () => void = () => undefined;
  broken: (error: unknown) => void = () => undefined;

  override commit(): Promise<void> {
    void super.commit();
    return new Promise((resolve, reject) => {
      this.fed = resolve;
      this.broken = reject;
    });
  }
}

describe('LoadingOutput', () => {
  const { scratch, qemu: startQemu } = stage();
  const time = passingTime();
  let loading: { status?: string; 'error-desc'?: string } = {};
  const told: string[] = [];

  async function ready(): Promise<{ qemu: ScriptedQemu; incoming: IncomingQemu; feed: HeldFeed; output: ByteOutput }> {
    loading = {};
    told.splice(0);
    const qemu = await startQemu({
      'query-status': () => ({ status: loading.status === 'completed' ? 'running' : 'inmigrate', running: false }),
      'query-migrate': () => loading,
    });
    const options = { qmp: scratch('qmp.sock'), log: undefined, waitMs: 0, signal: NEVER };
    const incoming = await IncomingQemu.connect(options);
    const feed = new HeldFeed();
    return { qemu, incoming, feed, output: new LoadingOutput(feed, incoming, (guest) => void told.push(guest)) };
  }

  function committing({ output }: { output: ByteOutput }): Promise<void> {
    const commit = output.commit();
    commit.catch(() => undefined);
    return commit;
  }

  it('hands on what is written', async () => {
    const { incoming, feed, output } = await ready();
    await output.write([Buffer.from('QE'), Buffer.from('VM')]);
    expect(Buffer.from(feed.bytes).toString()).toBe('QEVM');
    incoming.close();
  });

  it('is committed when QEMU has loaded, and tells what the guest does', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.fed();
    await settled(20);
    expect(await isPending(commit)).toBe(true);
    loading = { status: 'completed' };
    await commit;
    expect(told).toEqual(['running']);
    expect(actors.feed.calls).toEqual(['commit']);
    actors.incoming.close();
  });

  it('is not asked about before it is committed', async () => {
    const { qemu, incoming, output } = await ready();
    await output.write([Buffer.from('QEVM')]);
    expect(qemu.names).toEqual(['query-status']);
    incoming.close();
  });

  it('leaves no timer behind', async () => {
    const actors = await ready();
    const before = openResources();
    const commit = committing(actors);
    actors.feed.fed();
    loading = { status: 'completed' };
    await commit;
    await settled(5);
    expect(leftSince(before)).toEqual([]);
    actors.incoming.close();
  });

  it('that QEMU refuses is LOAD_FAILED, though all was taken', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.fed();
    loading = { status: 'failed', 'error-desc': 'Unknown savevm section' };
    await expect(commit).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: 'QEMU did not load the state: Unknown savevm section',
    });
    expect(told).toEqual([]);
    await expect(actors.output.discard()).resolves.toBe(true);
    actors.incoming.close();
  });

  it('that QEMU refuses while it is being fed does not wait for the pipe', async () => {
    const actors = await ready();
    const commit = committing(actors);
    loading = { status: 'failed', 'error-desc': 'no' };
    await expect(commit).rejects.toMatchObject({ code: 'LOAD_FAILED' });
    actors.incoming.close();
  });

  it('says what QEMU says, and not that the pipe broke, when QEMU gave up', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.broken(BROKEN_PIPE);
    await settled(20);
    expect(await isPending(commit)).toBe(true);
    await actors.qemu.hangUp();
    await expect(commit).rejects.toMatchObject({ code: 'LOAD_FAILED', details: { found: 'QEMU has ended' } });
  });

  it('does not mind a pipe that breaks after QEMU has loaded what it needs', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.broken(BROKEN_PIPE);
    loading = { status: 'completed' };
    await commit;
    expect(told).toEqual(['running']);
    await expect(actors.output.discard()).resolves.toBe(false);
    actors.incoming.close();
  });

  it('does not mind a pipe that breaks later than that', async () => {
    const actors = await ready();
    const commit = committing(actors);
    loading = { status: 'completed' };
    await until(() => told.length === 1);
    actors.feed.broken(BROKEN_PIPE);
    await expect(commit).resolves.toBeUndefined();
    actors.incoming.close();
  });

  it('fails as the pipe did when QEMU says nothing for 2 s', async () => {
    const actors = await ready();
    time.stop();
    const commit = committing(actors);
    actors.feed.broken(BROKEN_PIPE);
    await time.pass(1_999);
    expect(await isPending(commit)).toBe(true);
    await time.pass(1);
    await expect(commit).rejects.toBe(BROKEN_PIPE);
    await expect(actors.output.discard()).resolves.toBe(true);
    actors.incoming.close();
  });

  it('can be discarded before it is committed', async () => {
    const { incoming, feed, output } = await ready();
    await expect(output.discard()).resolves.toBe(true);
    expect(feed.calls).toEqual(['discard']);
    incoming.close();
  });

  it('that is loaded cannot be taken back', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.fed();
    loading = { status: 'completed' };
    await commit;
    await expect(actors.output.discard()).resolves.toBe(false);
    actors.incoming.close();
  });
});
