/** A toolstack that asks nothing more is taken to have left: behind a vchan, the next one may wait in its place. */
import { describe, expect, it } from '@jest/globals';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import type { RawClient } from '../../../support/qmp/raw-client.js';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const QEMU: Script = { qmp_capabilities: () => ({}), stop: () => ({}), wait: () => SILENCE };

describe('a toolstack that asks nothing more', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack, news } = stage();
  const time = passingTime();

  async function greeted(onSave?: HeldSaves['onSave']): Promise<RawClient> {
    await startQemu(QEMU);
    await startProxy(onSave);
    const client = await toolstack();
    await client.hears(GREETING);
    return client;
  }

  it('is let go of 5 s after its last answer, and the next one is greeted', async () => {
    const client = await greeted();
    time.stop();
    await client.command('stop', undefined, 1);
    await client.hears('{"return":{},"id":1}');
    await time.pass(4_999);
    await settled();
    expect(client.ended).toBe(false);
    await time.pass(1);
    await client.untilEnded();
    await (await toolstack()).hears(GREETING);
    expect(news).toEqual(['connected', 'idle', 'disconnected', 'connected']);
    // For its own first command.
    expect(time.waiting()).toBe(1);
  });

  it('is kept when it asks again in time', async () => {
    const client = await greeted();
    time.stop();
    for (const id of [1, 2, 3]) {
      await client.command('stop', undefined, id);
      await client.hears(`{"return":{},"id":${id}}`);
      await time.pass(4_000);
    }
    expect(client.ended).toBe(false);
    await time.pass(1_000);
    await client.untilEnded();
  });

  it('is let go of 5 s after the greeting when it asks nothing at all: the next one may have joined it by then', async () => {
    await startQemu(QEMU);
    await startProxy();
    time.stop();
    const client = await toolstack();
    await client.hears(GREETING);
    await time.pass(4_999);
    await settled();
    expect(client.ended).toBe(false);
    await time.pass(1);
    await client.untilEnded();
    await (await toolstack()).hears(GREETING);
  });

  it('is kept while QEMU owes it an answer, however many others it had', async () => {
    const client = await greeted();
    time.stop();
    await client.command('wait', undefined, 1);
    await client.command('stop', undefined, 2);
    await client.hears('{"return":{},"id":2}');
    await settled();
    expect(time.waiting()).toBe(0);
  });

  it('is kept while it is saved, and let go of 5 s after the reply', async () => {
    const saves = new HeldSaves();
    const client = await greeted(saves.onSave);
    time.stop();
    await client.command('stop', undefined, 1);
    await client.hears('{"return":{},"id":1}');
    await client.send(SAVE);
    const { succeed } = await saves.save();
    await settled();
    expect(time.waiting()).toBe(0);
    succeed();
    await client.hears('{"return": {}, "id": 7}');
    await time.pass(5_000);
    await client.untilEnded();
    await until(() => news.includes('disconnected'));
    expect(news).toEqual(['connected', 'idle', 'disconnected']);
  });
});
