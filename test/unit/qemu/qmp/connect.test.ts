import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { connectSocket } from '../../../../src/qemu/qmp/index.js';
import { deadSocket } from '../../../support/qmp/dead-socket.js';
import { leftSince, openResources } from '../../../support/qmp/open-resources.js';
import { NEVER, stage } from '../../../support/qmp/stage.js';
import { settled, until } from '../../../support/qmp/until.js';

describe('connectSocket', () => {
  const { scratch, qemu: startQemu } = stage();

  it.each([
    ['a missing socket', 'ENOENT', () => undefined],
    ['a socket without a listener', 'ECONNREFUSED', () => deadSocket(scratch('qmp.sock'))],
    ['a file', 'ECONNREFUSED', () => writeFileSync(scratch('qmp.sock'), '')],
    ['a directory', 'ECONNREFUSED', () => mkdirSync(scratch('qmp.sock'))],
  ])('rejects with QMP_UNREACHABLE for %s', async (_what, errno, make) => {
    await make();
    await expect(connectSocket(scratch('qmp.sock'), { waitMs: 0, signal: NEVER })).rejects.toMatchObject({
      code: 'QMP_UNREACHABLE',
      message: "cannot connect to QEMU's monitor",
      details: {
        where: scratch('qmp.sock'),
        expected: "the unix socket of a QEMU that was started with '-qmp unix:PATH,server=on,wait=off'",
        found: errno,
      },
    });
  });

  it('does not wait for a path that cannot be a socket', async () => {
    writeFileSync(scratch('file'), '');
    const path = `${scratch('file')}/qmp.sock`;
    await expect(connectSocket(path, { waitMs: 20_000, signal: NEVER })).rejects.toMatchObject({
      code: 'QMP_UNREACHABLE',
      details: { found: 'ENOTDIR' },
    });
  });

  it('rejects a path that is too long for a socket instead of truncating it', async () => {
    const path = scratch('').padEnd(108, 'x');
    await expect(connectSocket(path, { waitMs: 20_000, signal: NEVER })).rejects.toMatchObject({
      code: 'QMP_UNREACHABLE',
      details: { where: path, found: 'a path of 108 bytes (the maximum for a socket is 107)' },
    });
  });

  it('waits for a socket that appears within the limit', async () => {
    const connecting = connectSocket(scratch('qmp.sock'), { waitMs: 20_000, signal: NEVER });
    await settled(50);
    const qemu = await startQemu();
    const socket = await connecting;
    await until(() => qemu.visits === 1);
    socket.destroy();
  });

  it('waits for a socket without a listener to be replaced', async () => {
    await deadSocket(scratch('other.sock'));
    const connecting = connectSocket(scratch('qmp.sock'), { waitMs: 20_000, signal: NEVER });
    await settled(50);
    await startQemu();
    (await connecting).destroy();
  });

  it('gives up after the limit', async () => {
    const since = performance.now();
    const connecting = connectSocket(scratch('qmp.sock'), { waitMs: 100, signal: NEVER });
    await expect(connecting).rejects.toMatchObject({ code: 'QMP_UNREACHABLE', details: { found: 'ENOENT' } });
    expect(performance.now() - since).toBeGreaterThanOrEqual(99);
  });

  it('can be aborted while it waits, and leaves nothing open', async () => {
    const before = openResources();
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const connecting = connectSocket(scratch('qmp.sock'), { waitMs: 20_000, signal: abort.signal });
    await settled(5);
    abort.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await until(() => leftSince(before).length === 0);
  });
});
