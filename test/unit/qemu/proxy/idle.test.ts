/** The proxy disconnects an idle toolstack, because the next one may already wait on the same vchan. */
import { describe, expect, it } from '@jest/globals';
import { HeldSaves, SAVE } from '../../../support/qmp/held-saves.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import type { RawClient } from '../../../support/qmp/raw-client.js';
import { GREETING, type Script, SILENCE } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

const QEMU: Script = { qmp_capabilities: () => ({}), stop: () => ({}), wait: () => SILENCE };

describe('an idle toolstack', () => {
  const { qemu: startQemu, proxy: startProxy, toolstack, news } = stage();
  const time = passingTime();

  async function greeted(onSave?: HeldSaves['onSave']): Promise<RawClient> {
    await startQemu(QEMU);
    await startProxy(onSave);
    const client = await toolstack();
    await client.receives(GREETING);
    return client;
  }

  it('is disconnected 5 s after its last reply, and the next one is greeted', async () => {
    const client = await greeted();
    time.stop();
    await client.command('stop', undefined, 1);
    await client.receives('{"return":{},"id":1}');
    await time.pass(4_999);
    await settled();
    expect(client.ended).toBe(false);
    await time.pass(1);
    await client.untilEnded();
    await (await toolstack()).receives(GREETING);
    expect(news).toEqual(['connected', 'idle', 'disconnected', 'connected']);
    // The idle timer of the next toolstack.
    expect(time.waiting()).toBe(1);
  });

  it('stays connected when it sends another command in time', async () => {
    const client = await greeted();
    time.stop();
    for (const id of [1, 2, 3]) {
      await client.command('stop', undefined, id);
      await client.receives(`{"return":{},"id":${id}}`);
      await time.pass(4_000);
    }
    expect(client.ended).toBe(false);
    await time.pass(1_000);
    await client.untilEnded();
  });

  it('is disconnected 5 s after the greeting when it sends no command: the next one may have joined', async () => {
    await startQemu(QEMU);
    await startProxy();
    time.stop();
    const client = await toolstack();
    await client.receives(GREETING);
    await time.pass(4_999);
    await settled();
    expect(client.ended).toBe(false);
    await time.pass(1);
    await client.untilEnded();
    await (await toolstack()).receives(GREETING);
  });

  it('stays connected while a reply of QEMU is outstanding, regardless of other replies', async () => {
    const client = await greeted();
    time.stop();
    await client.command('wait', undefined, 1);
    await client.command('stop', undefined, 2);
    await client.receives('{"return":{},"id":2}');
    await settled();
    expect(time.waiting()).toBe(0);
  });

  it('stays connected during its save, and is disconnected 5 s after the reply', async () => {
    const saves = new HeldSaves();
    const client = await greeted(saves.onSave);
    time.stop();
    await client.command('stop', undefined, 1);
    await client.receives('{"return":{},"id":1}');
    await client.send(SAVE);
    const { succeed } = await saves.save();
    await settled();
    expect(time.waiting()).toBe(0);
    succeed();
    await client.receives('{"return": {}, "id": 7}');
    await time.pass(5_000);
    await client.untilEnded();
    await until(() => news.includes('disconnected'));
    expect(news).toEqual(['connected', 'idle', 'disconnected']);
  });
});
