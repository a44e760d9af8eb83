/**
 * A transfer disk on an existing block device, such as an LV. Here it is a loop device, with a second loop device over
 * it for the stubdom.
 */
import { closeSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { type Agent, startAgent } from '../../support/agents/agent.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../support/blockdev-utils/as-root.js';
import { attachLoop, detachLoop } from '../../support/blockdev-utils/loop-device.js';
import { sha256 } from '../../support/cli/captured-states.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { useScratch } from '../../support/cli/scratch.js';

jest.setTimeout(120_000);

const MIB = 1024 * 1024;
const FRONT = 64 * 1024;

describeWith([ROOT, LOOP_DEVICES], 'a transfer disk on a block device', () => {
  const scratch = useScratch({ mayLeave: true });
  let device = '';
  beforeEach(() => {
    writeFileSync(scratch.path('lv'), '');
    truncateSync(scratch.path('lv'), 16 * MIB);
    device = attachLoop(scratch.path('lv'));
  });
  afterEach(() => detachLoop(device));

  const saving = (...more: readonly string[]): Agent => {
    return startAgent('dom0', ['--disk', device, '--save', scratch.path('out'), '--raw', '--ring', '8M', ...more]);
  };
  const front = (): Buffer => {
    const bytes = Buffer.alloc(FRONT);
    const fd = openSync(scratch.path('lv'), 'r');
    readSync(fd, bytes, 0, FRONT, 0);
    closeSync(fd);
    return bytes;
  };
  const attachedTo = (agent: Agent): string => {
    const attached = agent.events.find((event) => event.event === 'attached');
    return attached?.event === 'attached' ? attached.device : '';
  };

  it('transfers a save, and has a blank front afterwards', async () => {
    const state = new PatternState(20 * MIB);
    const dom0 = saving('--attach', 'loop');
    await dom0.ready;
    const stubdom = startAgent('stubdom', ['--disk', attachedTo(dom0), '--source', '-', '--opaque']);
    await feed(stubdom.child.stdin, state.chunks());
    expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([0, 0]);
    expect(dom0.events).toContainEqual(expect.objectContaining({ event: 'ready', access: 'direct' }));
    expect(dom0.events).toContainEqual(expect.objectContaining({ event: 'attached', backing: 'block' }));
    expect(sha256(await scratch.bytes('out'))).toBe(state.sha256());
    expect(front().every((byte) => byte === 0)).toBe(true);
  });

  it('is made again on a device that contains an earlier transfer disk', async () => {
    const kept = saving('--attach', 'loop', '--keep-disk', '--attach-timeout', '1s');
    expect((await kept.end).error?.code).toBe('PEER_ABSENT');
    expect(front().every((byte) => byte === 0)).toBe(false);
    const again = saving('--attach', 'loop', '--attach-timeout', '1s');
    expect((await again.end).error?.code).toBe('PEER_ABSENT');
  });

  it('is refused on a device that contains other data, which is not changed', async () => {
    const fd = openSync(scratch.path('lv'), 'r+');
    writeSync(fd, 'a file system', 1080);
    closeSync(fd);
    const before = front();
    expect((await saving('--attach', 'loop').end).error).toMatchObject({
      code: 'DISK_EXISTS',
      where: device,
      expected: 'zeros, or an earlier transfer disk',
    });
    expect(front().equals(before)).toBe(true);
  });

  it('is refused on a device that is too small', async () => {
    expect((await saving('--attach', 'loop', '--ring', '32M').end).error).toMatchObject({
      code: 'DISK_NO_SPACE',
      expected: `${32 * MIB + FRONT} bytes`,
      found: `${16 * MIB} bytes`,
    });
  });

  it('is refused when both agents would open the same device node', async () => {
    expect((await saving().end).error).toMatchObject({
      code: 'DISK_INCOHERENT',
      where: device,
      hint: 'use --attach loop',
    });
  });
});
