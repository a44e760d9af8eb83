/** What answers is no xenstored, or one that has gone mad. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { XenstoreClient } from '../../../../src/xen/xenstore/index.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { afterTest } from '../../../support/qmp/after-test.js';
import { until } from '../../../support/qmp/until.js';
import { rejectionOf } from '../../../support/statefile/rejection-of.js';
import { messageOf } from '../../../support/xenstore/raw-request.js';

const READ = 2;
const DIRECTORY = 1;
const WATCH = 4;
const WATCH_EVENT = 15;
const ERROR = 16;

describe('a client of xenstore, of what answers', () => {
  const scratch = scratchFolder();
  const atEnd = afterTest();

  /** A server that says `answer` to whatever comes. */
  async function clientOf(answer: (socket: Socket) => void): Promise<XenstoreClient> {
    const visits: Socket[] = [];
    const server = createServer((socket) => {
      visits.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', () => answer(socket));
    });
    await once(server.listen(scratch('socket')), 'listening');
    atEnd(() => {
      for (const socket of visits) socket.destroy();
      server.close();
    });
    const client = await XenstoreClient.connect({ path: scratch('socket') });
    atEnd(() => client.close());
    return client;
  }

  it.each([
    ['a type that there is not', messageOf(99, 1, 0, ''), 'type 99'],
    ['a payload beyond the limit', messageOf(READ, 1, 0, 'x'.repeat(4097)), '4097 bytes'],
    ['a reply to another request', messageOf(READ, 2, 0, ''), 'READ to one that was not made'],
    ['a reply of another type', messageOf(WATCH, 1, 0, 'OK\0'), 'WATCH, or of another transaction'],
    ['a reply of another transaction', messageOf(READ, 1, 5, ''), 'READ, or of another transaction'],
    ['an error without a name', messageOf(ERROR, 1, 0, '\0'), '[""]'],
    ['an error with two names', messageOf(ERROR, 1, 0, 'EIO\0EIO\0'), '["EIO","EIO"]'],
    ['an event of a watch that was not set', messageOf(WATCH_EVENT, 0, 0, '/a\x001\0'), 'one with the token "1"'],
    ['an event without a token', messageOf(WATCH_EVENT, 0, 0, '/a\0'), '["/a"]'],
    ['an event that does not end', messageOf(WATCH_EVENT, 0, 0, '/a\x001'), '"/a\\\\u{0}1"'],
    ['text', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'type 1347703880'],
  ])('takes %s for the end', async (_what, bytes, found) => {
    const client = await clientOf((socket) => void socket.write(bytes));
    const reason = {
      code: 'XENSTORE_PROTOCOL',
      message: 'what answers does not speak as xenstored does',
      details: { where: scratch('socket'), found },
    };
    expect(await rejectionOf(client.read('/a'))).toMatchObject(reason);
    expect(await client.closed).toMatchObject(reason);
    expect(await rejectionOf(client.read('/a'))).toMatchObject(reason);
  });

  it.each([
    ['names that are none', 'a\0b/c\0', '["b/c"]'],
    ['an empty name', 'a\0\0', '[""]'],
    ['names that do not end', 'a\0b', '"a\\\\u{0}b"'],
  ])('takes %s in a list for the end', async (_what, payload, found) => {
    const client = await clientOf((socket) => void socket.write(messageOf(DIRECTORY, 1, 0, payload)));
    expect(await rejectionOf(client.directory('/a'))).toMatchObject({ code: 'XENSTORE_PROTOCOL', details: { found } });
    expect(await client.closed).toMatchObject({ code: 'XENSTORE_PROTOCOL' });
  });

  it('takes a change elsewhere than what is watched for the end', async () => {
    const client = await clientOf((socket) => {
      socket.write(Buffer.concat([messageOf(WATCH, 1, 0, 'OK\0'), messageOf(WATCH_EVENT, 0, 0, '/ab\x001\0')]));
    });
    await client.watch('/a', () => undefined).catch(() => undefined);
    expect(await client.closed).toMatchObject({
      code: 'XENSTORE_PROTOCOL',
      details: { expected: 'a change within /a', found: '/ab' },
    });
  });

  it('takes an event with ids that were not set for what it is: Linux leaves them so', async () => {
    const client = await clientOf((socket) => {
      socket.write(
        Buffer.concat([messageOf(WATCH, 1, 0, 'OK\0'), messageOf(WATCH_EVENT, 0xdead, 0xbeef, '/a\x001\0')]),
      );
    });
    const changed: string[] = [];
    await client.watch('/a', (path) => void changed.push(path));
    await until(() => changed.length === 1);
  });

  it('takes an error that it does not know for a refusal', async () => {
    const client = await clientOf((socket) => void socket.write(messageOf(ERROR, 1, 0, 'ESTRANGE\0')));
    expect(await rejectionOf(client.read('/a'))).toMatchObject({
      code: 'XENSTORE_REFUSED',
      details: { found: 'ESTRANGE' },
    });
  });

  it('matches replies that come in another order by their ids', async () => {
    let asked = 0;
    const client = await clientOf((socket) => {
      asked += 1;
      if (asked > 1) return;
      socket.write(Buffer.concat([messageOf(READ, 2, 0, 'second'), messageOf(READ, 1, 0, 'first')]));
    });
    const [first, second] = [client.read('/a'), client.read('/b')];
    expect(await Promise.all([first, second])).toEqual(['first', 'second']);
  });
});
