/** A restore into QEMU is complete when QEMU has loaded the state, not when the pipe has accepted all bytes. */
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

/** A pipe to QEMU whose commit the test resolves or rejects. */
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
  const reported: string[] = [];

  async function ready(): Promise<{ qemu: ScriptedQemu; incoming: IncomingQemu; feed: HeldFeed; output: ByteOutput }> {
    loading = {};
    reported.splice(0);
    const qemu = await startQemu({
      'query-status': () => ({ status: loading.status === 'completed' ? 'running' : 'inmigrate', running: false }),
      'query-migrate': () => loading,
    });
    const options = { qmp: scratch('qmp.sock'), log: undefined, waitMs: 0, signal: NEVER };
    const incoming = await IncomingQemu.connect(options);
    const feed = new HeldFeed();
    return { qemu, incoming, feed, output: new LoadingOutput(feed, incoming, (guest) => void reported.push(guest)) };
  }

  function committing({ output }: { output: ByteOutput }): Promise<void> {
    const commit = output.commit();
    commit.catch(() => undefined);
    return commit;
  }

  it('forwards the written bytes', async () => {
    const { incoming, feed, output } = await ready();
    await output.write([Buffer.from('QE'), Buffer.from('VM')]);
    expect(Buffer.from(feed.bytes).toString()).toBe('QEVM');
    incoming.close();
  });

  it('commits when QEMU has loaded the state, and reports the run state of the guest', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.fed();
    await settled(20);
    expect(await isPending(commit)).toBe(true);
    loading = { status: 'completed' };
    await commit;
    expect(reported).toEqual(['running']);
    expect(actors.feed.calls).toEqual(['commit']);
    actors.incoming.close();
  });

  it('does not query QEMU before the commit', async () => {
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

  it('rejects with LOAD_FAILED when QEMU refuses the state, although the pipe has accepted all bytes', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.fed();
    loading = { status: 'failed', 'error-desc': 'Unknown savevm section' };
    await expect(commit).rejects.toMatchObject({
      code: 'LOAD_FAILED',
      message: 'QEMU did not load the state: Unknown savevm section',
    });
    expect(reported).toEqual([]);
    await expect(actors.output.discard()).resolves.toBe(true);
    actors.incoming.close();
  });

  it('does not wait for the pipe when QEMU refuses the state', async () => {
    const actors = await ready();
    const commit = committing(actors);
    loading = { status: 'failed', 'error-desc': 'no' };
    await expect(commit).rejects.toMatchObject({ code: 'LOAD_FAILED' });
    actors.incoming.close();
  });

  it("rejects with QEMU's error, and not with that of the broken pipe, when QEMU exits", async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.broken(BROKEN_PIPE);
    await settled(20);
    expect(await isPending(commit)).toBe(true);
    await actors.qemu.hangUp();
    await expect(commit).rejects.toMatchObject({ code: 'LOAD_FAILED', details: { found: 'QEMU has ended' } });
  });

  it('ignores a broken pipe when QEMU has loaded the state', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.broken(BROKEN_PIPE);
    loading = { status: 'completed' };
    await commit;
    expect(reported).toEqual(['running']);
    await expect(actors.output.discard()).resolves.toBe(false);
    actors.incoming.close();
  });

  it('ignores a pipe that breaks after QEMU has reported the load', async () => {
    const actors = await ready();
    const commit = committing(actors);
    loading = { status: 'completed' };
    await until(() => reported.length === 1);
    actors.feed.broken(BROKEN_PIPE);
    await expect(commit).resolves.toBeUndefined();
    actors.incoming.close();
  });

  it('rejects with the error of the pipe when QEMU reports no status within 2 s', async () => {
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

  it('can be discarded before the commit', async () => {
    const { incoming, feed, output } = await ready();
    await expect(output.discard()).resolves.toBe(true);
    expect(feed.calls).toEqual(['discard']);
    incoming.close();
  });

  it('cannot undo a completed load', async () => {
    const actors = await ready();
    const commit = committing(actors);
    actors.feed.fed();
    loading = { status: 'completed' };
    await commit;
    await expect(actors.output.discard()).resolves.toBe(false);
    actors.incoming.close();
  });
});
