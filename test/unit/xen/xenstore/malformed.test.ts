/** The server at the path of xenstore is not xenstored, or sends invalid messages. */
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

describe('a client of xenstore with an invalid server', () => {
  const scratch = scratchFolder();
  const atEnd = afterTest();

  /** Returns a client of a server that calls `reply` for whatever arrives. */
  async function clientOf(reply: (socket: Socket) => void): Promise<XenstoreClient> {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', () => reply(socket));
    });
    await once(server.listen(scratch('socket')), 'listening');
    atEnd(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const client = await XenstoreClient.connect({ path: scratch('socket') });
    atEnd(() => client.close());
    return client;
  }

  it.each([
    ['an unknown type', messageOf(99, 1, 0, ''), 'type 99'],
    ['a payload beyond the limit', messageOf(READ, 1, 0, 'x'.repeat(4097)), '4097 bytes'],
    ['a reply to another request', messageOf(READ, 2, 0, ''), 'READ to an unknown request'],
    ['a reply of another type', messageOf(WATCH, 1, 0, 'OK\0'), 'WATCH, or another transaction'],
    ['a reply of another transaction', messageOf(READ, 1, 5, ''), 'READ, or another transaction'],
    ['an error without a name', messageOf(ERROR, 1, 0, '\0'), '[""]'],
    ['an error with two names', messageOf(ERROR, 1, 0, 'EIO\0EIO\0'), '["EIO","EIO"]'],
    ['an event of a watch that was not set', messageOf(WATCH_EVENT, 0, 0, '/a\x001\0'), 'one with the token "1"'],
    ['an event without a token', messageOf(WATCH_EVENT, 0, 0, '/a\0'), '["/a"]'],
    ['an event that does not end', messageOf(WATCH_EVENT, 0, 0, '/a\x001'), '"/a\\\\u{0}1"'],
    ['text', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'type 1347703880'],
  ])('ends after %s', async (_what, bytes, found) => {
    const client = await clientOf((socket) => void socket.write(bytes));
    const reason = {
      code: 'XENSTORE_PROTOCOL',
      message: 'invalid message from xenstored',
      details: { where: scratch('socket'), found },
    };
    expect(await rejectionOf(client.read('/a'))).toMatchObject(reason);
    expect(await client.closed).toMatchObject(reason);
    expect(await rejectionOf(client.read('/a'))).toMatchObject(reason);
  });

  it.each([
    ['invalid names', 'a\0b/c\0', '["b/c"]'],
    ['an empty name', 'a\0\0', '[""]'],
    ['names that do not end', 'a\0b', '"a\\\\u{0}b"'],
  ])('ends after %s in a list', async (_what, payload, found) => {
    const client = await clientOf((socket) => void socket.write(messageOf(DIRECTORY, 1, 0, payload)));
    expect(await rejectionOf(client.directory('/a'))).toMatchObject({ code: 'XENSTORE_PROTOCOL', details: { found } });
    expect(await client.closed).toMatchObject({ code: 'XENSTORE_PROTOCOL' });
  });

  it('ends after an event outside of the watched path', async () => {
    const client = await clientOf((socket) => {
      socket.write(Buffer.concat([messageOf(WATCH, 1, 0, 'OK\0'), messageOf(WATCH_EVENT, 0, 0, '/ab\x001\0')]));
    });
    await client.watch('/a', () => undefined).catch(() => undefined);
    expect(await client.closed).toMatchObject({
      code: 'XENSTORE_PROTOCOL',
      details: { expected: 'a change within /a', found: '/ab' },
    });
  });

  it('accepts an event with arbitrary ids, because Linux does not set them', async () => {
    const client = await clientOf((socket) => {
      socket.write(
        Buffer.concat([messageOf(WATCH, 1, 0, 'OK\0'), messageOf(WATCH_EVENT, 0xdead, 0xbeef, '/a\x001\0')]),
      );
    });
    const changed: string[] = [];
    await client.watch('/a', (path) => void changed.push(path));
    await until(() => changed.length === 1);
  });

  it('treats an unknown error as a refusal', async () => {
    const client = await clientOf((socket) => void socket.write(messageOf(ERROR, 1, 0, 'ESTRANGE\0')));
    expect(await rejectionOf(client.read('/a'))).toMatchObject({
      code: 'XENSTORE_REFUSED',
      details: { found: 'ESTRANGE' },
    });
  });

  it('matches replies in any order by their ids', async () => {
    let requests = 0;
    const client = await clientOf((socket) => {
      requests += 1;
      if (requests > 1) return;
      socket.write(Buffer.concat([messageOf(READ, 2, 0, 'second'), messageOf(READ, 1, 0, 'first')]));
    });
    const [first, second] = [client.read('/a'), client.read('/b')];
    expect(await Promise.all([first, second])).toEqual(['first', 'second']);
  });
});
