/** The proxy's socket: whoever can connect to it can do with the guest what the toolstack can. */
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
      onSave: () => Promise.reject(new Error('nobody should save here')),
      onNews: () => undefined,
      waitMs: 0,
    });
  }

  it('is for its owner only, whatever the umask, and the umask is left as it was', async () => {
    const before = process.umask(0);
    try {
      await startProxy();
      expect(lstatSync(scratch('qmp-proxy.sock')).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  it('takes the place of one that nobody listens on', async () => {
    deadSocket(scratch('qmp-proxy.sock'));
    expect(lstatSync(scratch('qmp-proxy.sock')).isSocket()).toBe(true);
    await startQemu();
    await startProxy();
    await (await toolstack()).hears(GREETING);
  });

  it.each<[string, string, (path: string) => unknown]>([
    ['another proxy', 'another process that listens there', (path) => listenAt(path)],
    ['a file', 'something else than a socket there', (path) => writeFileSync(path, 'precious')],
    ['a folder', 'something else than a socket there', (path) => mkdirSync(path)],
    ['a link', 'something else than a socket there', (path) => symlinkSync('/nowhere', path)],
  ])('with %s in its way is refused', async (_what, found, make) => {
    const path = scratch('qmp-proxy.sock');
    const made = await make(path);
    await expect(listenAt(path)).rejects.toMatchObject({
      code: 'GATE_UNUSABLE',
      message: 'cannot listen for the toolstack',
      details: {
        where: path,
        expected: 'a path for a new unix socket, of at most 107 bytes',
        found,
        hint: 'end the process that uses it, or name another path with --qmp-proxy',
      },
    });
    expect(lstatSync(path)).toBeDefined();
    if (made instanceof QmpProxy) await made.close(new StubferryError('CANCELLED', 'the test is over'));
  });

  it('leaves a file that is in its way as it was', async () => {
    writeFileSync(scratch('qmp-proxy.sock'), 'precious');
    await expect(listenAt(scratch('qmp-proxy.sock'))).rejects.toMatchObject({ code: 'GATE_UNUSABLE' });
    expect(readFileSync(scratch('qmp-proxy.sock'), 'utf8')).toBe('precious');
  });

  it('does not disturb the proxy that is there', async () => {
    await startQemu();
    await startProxy();
    const client = await toolstack();
    await client.hears(GREETING);
    await expect(listenAt(scratch('qmp-proxy.sock'))).rejects.toMatchObject({ code: 'GATE_UNUSABLE' });
    expect(client.ended).toBe(false);
  });

  it('in a folder that is not there is refused', async () => {
    await expect(listenAt(scratch('no/qmp-proxy.sock'))).rejects.toMatchObject({
      code: 'GATE_UNUSABLE',
      details: { found: expect.stringMatching(/^(ENOENT|EACCES)$/) },
    });
  });

  it('may have a path of 107 bytes, and none of 108: that would be cut', async () => {
    const longest = scratch('').padEnd(107, 'x');
    const proxy = await listenAt(longest);
    expect(lstatSync(longest).isSocket()).toBe(true);
    await proxy.close(new StubferryError('CANCELLED', 'the test is over'));
    await expect(listenAt(`${longest}x`)).rejects.toMatchObject({
      code: 'GATE_UNUSABLE',
      details: { where: `${longest}x`, found: 'a path of 108 bytes, where a socket has 107 at most' },
    });
  });
});
