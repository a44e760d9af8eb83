/** An xenstored that replies slowly, or stops replying. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { XenstoreClient } from '../../../../src/xen/xenstore/index.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { afterTest } from '../../../support/qmp/after-test.js';
import { passingTime } from '../../../support/qmp/passing-time.js';
import { isPending, until } from '../../../support/qmp/until.js';
import { messageOf } from '../../../support/xenstore/raw-request.js';

const READ = 2;

describe('an xenstored that replies', () => {
  const scratch = scratchFolder();
  const atEnd = afterTest();
  const time = passingTime();

  /** Returns a client and the server end of its connection. */
  async function connected(): Promise<{ readonly client: XenstoreClient; readonly server: Socket }> {
    const listening = createServer();
    const accepted = once(listening, 'connection');
    await once(listening.listen(scratch('socket')), 'listening');
    const client = await XenstoreClient.connect({ path: scratch('socket'), reconnectMs: 0 });
    const [server] = (await accepted) as [Socket];
    server.resume();
    atEnd(async () => {
      await client.close();
      server.destroy();
      listening.close();
    });
    return { client, server };
  }

  it('slowly keeps its client, as long as some reply arrives every 15 s', async () => {
    const { client, server } = await connected();
    time.stop();
    const reads = ['/a', '/b', '/c'].map((path) => client.read(path));
    for (const read of reads) read.catch(() => undefined);
    for (const requestId of [1, 2]) {
      await time.pass(14_999);
      expect(await isPending(reads[requestId - 1] ?? Promise.resolve())).toBe(true);
      server.write(messageOf(READ, requestId, 0, `value ${requestId}`));
      expect(await reads[requestId - 1]).toBe(`value ${requestId}`);
    }
    await time.pass(14_999);
    expect(await isPending(reads[2] ?? Promise.resolve())).toBe(true);
    await time.pass(1);
    await expect(reads[2]).rejects.toMatchObject({
      code: 'XENSTORE_TIMEOUT',
      message: 'xenstored did not reply to READ',
      details: { where: scratch('socket'), expected: 'a reply within 15000 ms', found: 'none' },
    });
  });

  it('to all requests leaves no timer behind', async () => {
    const { client, server } = await connected();
    time.stop();
    const read = client.read('/a');
    await until(() => time.waiting() === 1);
    server.write(messageOf(READ, 1, 0, 'value'));
    expect(await read).toBe('value');
    expect(time.waiting()).toBe(0);
  });
});
