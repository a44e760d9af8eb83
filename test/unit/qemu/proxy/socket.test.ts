/** The proxy's socket: a client that can connect to it has the toolstack's power over the guest. */
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { QmpProxy } from '../../../../src/qemu/proxy/index.js';
import { deadSocket } from '../../../support/qmp/dead-socket.js';
import { GREETING } from '../../../support/qmp/scripted-qemu.js';
import { stage } from '../../../support/qmp/stage.js';

describe('the socket of the proxy', () => {
  const { scratch, qemu: startQemu, proxy: startProxy, toolstack } = stage();

  function listenAt(path: string): Promise<QmpProxy> {
    return QmpProxy.listen({
      listen: path,
      qemu: scratch('qmp.sock'),
      onSave: () => Promise.reject(new Error('unexpected save')),
      onNews: () => undefined,
      waitMs: 0,
    });
  }

  it('is accessible to its owner only, with any umask, and the umask stays unchanged', async () => {
    const before = process.umask(0);
    try {
      await startProxy();
      expect(lstatSync(scratch('qmp-proxy.sock')).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  it('replaces a socket without a listener', async () => {
    deadSocket(scratch('qmp-proxy.sock'));
    expect(lstatSync(scratch('qmp-proxy.sock')).isSocket()).toBe(true);
    await startQemu();
    await startProxy();
    await (await toolstack()).receives(GREETING);
  });

  it.each<[string, string, (path: string) => unknown]>([
    ['another proxy', 'another process that listens on this path', (path) => listenAt(path)],
    ['a file', 'a file that is not a socket', (path) => writeFileSync(path, 'precious')],
    ['a directory', 'a file that is not a socket', (path) => mkdirSync(path)],
    ['a symbolic link', 'a file that is not a socket', (path) => symlinkSync('/nowhere', path)],
  ])('cannot be created when %s has its path', async (_what, found, make) => {
    const path = scratch('qmp-proxy.sock');
    const made = await make(path);
    await expect(listenAt(path)).rejects.toMatchObject({
      code: 'PROXY_UNUSABLE',
      message: 'cannot listen for the toolstack',
      details: {
        where: path,
        expected: 'a path for a new unix socket, of at most 107 bytes',
        found,
      },
    });
    expect(lstatSync(path)).toBeDefined();
    if (made instanceof QmpProxy) await made.close(new StubferryError('CANCELLED', 'the test is over'));
  });

  it('does not change a file that has its path', async () => {
    writeFileSync(scratch('qmp-proxy.sock'), 'precious');
    await expect(listenAt(scratch('qmp-proxy.sock'))).rejects.toMatchObject({ code: 'PROXY_UNUSABLE' });
    expect(readFileSync(scratch('qmp-proxy.sock'), 'utf8')).toBe('precious');
  });

  it('does not disturb a proxy that already listens', async () => {
    await startQemu();
    await startProxy();
    const client = await toolstack();
    await client.receives(GREETING);
    await expect(listenAt(scratch('qmp-proxy.sock'))).rejects.toMatchObject({ code: 'PROXY_UNUSABLE' });
    expect(client.ended).toBe(false);
  });

  it('cannot be created in a directory that does not exist', async () => {
    await expect(listenAt(scratch('no/qmp-proxy.sock'))).rejects.toMatchObject({
      code: 'PROXY_UNUSABLE',
      details: { found: expect.stringMatching(/^(ENOENT|EACCES)$/) },
    });
  });

  it('may have a path of 107 bytes, but not of 108 bytes, which would be truncated', async () => {
    const longest = scratch('').padEnd(107, 'x');
    const proxy = await listenAt(longest);
    expect(lstatSync(longest).isSocket()).toBe(true);
    await proxy.close(new StubferryError('CANCELLED', 'the test is over'));
    await expect(listenAt(`${longest}x`)).rejects.toMatchObject({
      code: 'PROXY_UNUSABLE',
      details: { where: `${longest}x`, found: 'a path of 108 bytes (the maximum for a socket is 107)' },
    });
  });
});
