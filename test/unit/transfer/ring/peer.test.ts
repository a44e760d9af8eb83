import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { StallTimer } from '../../../../src/base/time/index.js';
import { alignedBuffer } from '../../../../src/blockdev-utils/index.js';
import { BLOCK_SIZE } from '../../../../src/formats/protocol/block.js';
import type { Phase } from '../../../../src/formats/protocol/control-block.js';
import { refusal, testDisk } from '../../../support/ring/disks.js';
import { VirtualClock } from '../../../support/ring/virtual-clock.js';

const never = new Promise<never>(() => undefined);

describe('the peer monitor', () => {
  it('ends the link when no peer opens the disk', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'PEER_ABSENT',
      message: 'no receiver opened the transfer disk',
    });
    expect(disk.clock.now()).toBeGreaterThan(30_000);
    expect(disk.clock.now()).toBeLessThan(33_000);
  });

  it('ends the link when the heartbeat of the peer stops, and reports its last status', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.own.publish({ phase: 'receiving', streamed: 1234 });
    await receiver.close();
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'PEER_DEAD',
      message: 'the receiver stopped',
      details: { found: 'none; its last status was receiving, 1234 bytes into the state' },
    });
  });

  it('treats a peer with a heartbeat as alive, without a time limit', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    await disk.link('receiver');
    await expect(link.guard(disk.clock.sleep(3_600_000))).resolves.toBeUndefined();
  });

  it('reports why the peer gave up and escapes control characters in its message', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.close(new StubferryError('DESTINATION_FULL', 'no room \u001b[31mat all'));
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the receiver gave up: DESTINATION_FULL: no room \\u{1b}[31mat all',
    });
  });

  it('detects that a restarted sender gives up while the destination holds up the receiver', async () => {
    const disk = await testDisk();
    const receiver = await disk.link('receiver');
    receiver.peer.expectEpoch(1n);
    const restarted = await disk.link('sender', 2n);
    await restarted.close(new StubferryError('NO_PROGRESS', 'the receiver does not acknowledge the state'));
    expect(await refusal(receiver.guard(never))).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the sender gave up: NO_PROGRESS: the receiver does not acknowledge the state',
    });
  });

  it('detects that a restarted sender dies while the destination holds up the receiver', async () => {
    const disk = await testDisk();
    const receiver = await disk.link('receiver');
    receiver.peer.expectEpoch(1n);
    await (await disk.link('sender', 2n)).close();
    expect(await refusal(receiver.guard(never))).toMatchObject({ code: 'PEER_DEAD', message: 'the sender stopped' });
  });

  it('does not mistake a clock jump for a dead peer', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    await disk.link('receiver');
    await disk.clock.sleep(1000);
    disk.clock.jump(3_600_000);
    await expect(link.guard(disk.clock.sleep(5000))).resolves.toBeUndefined();
  });

  it('reads the other slot when one slot is torn', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.own.publish({ cursor: 0, streamed: 77 });
    await disk.device.medium.write(alignedBuffer(BLOCK_SIZE).fill(0xaa), 3 * BLOCK_SIZE);
    const seen = await link.peer.poll();
    expect(seen).toMatchObject({ sequence: 2, streamed: 77 });
  });
});

describe('the local control block', () => {
  it('detects a second agent in the same role', async () => {
    const disk = await testDisk();
    const first = await disk.link('sender', 1n);
    await disk.link('receiver');
    await disk.link('sender', 2n);
    expect(await refusal(first.guard(never))).toMatchObject({
      code: 'DISK_LOCKED',
      message: 'another agent writes the same control block',
    });
  });

  it('continues the sequence of the previous agent', async () => {
    const disk = await testDisk();
    const first = await disk.link('receiver', 1n);
    await first.close('aborted');
    await disk.link('receiver', 2n);
    const sender = await disk.link('sender');
    expect(await sender.peer.poll()).toMatchObject({ sequence: 3, epoch: 2n, phase: 'ready' });
  });
});

describe('a link', () => {
  it('ends when the disk does not respond', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    await disk.link('receiver');
    disk.device.onWrite = () => never;
    disk.device.stalled = 16_000;
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'DISK_HUNG',
      message: 'the transfer disk does not respond',
      details: { found: 'none for 16000 ms' },
    });
  });

  it('reports a hung disk, not a dead peer, while the disk completes no writes', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    await (await disk.link('receiver')).close();
    disk.device.onWrite = () => never;
    disk.device.stalled = 3_000;
    const polling = async (): Promise<never> => {
      for (;;) await link.peer.poll().then(() => disk.clock.sleep(100));
    };
    const error = refusal(link.guard(polling()));
    await disk.clock.sleep(10_000);
    disk.device.stalled = 16_000;
    expect(await error).toMatchObject({ code: 'DISK_HUNG' });
  });

  it('ends with the reason of its abort signal', async () => {
    const disk = await testDisk();
    const controller = new AbortController();
    const link = await disk.link('sender', 1n, controller.signal);
    const guarded = refusal(link.guard(never));
    controller.abort(new StubferryError('CANCELLED', 'enough'));
    expect(await guarded).toMatchObject({ code: 'CANCELLED', message: 'enough' });
  });

  it('removes its listener from the signal when it is closed', async () => {
    const disk = await testDisk();
    const { signal } = new AbortController();
    const link = await disk.link('sender', 1n, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await link.close('done');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('closes within a second when its final status cannot be written', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    disk.device.onWrite = () => never;
    const before = disk.clock.now();
    await link.close(new StubferryError('CANCELLED', 'enough'));
    expect(disk.clock.now() - before).toBeLessThanOrEqual(1000);
  });
});

describe('a dom0 agent that gives up, before it removes the disk', () => {
  const FULL = new StubferryError('DESTINATION_FULL', 'no room');

  it('waits until the stubdom agent has read the error', async () => {
    const { link, clock } = await testDisk();
    const sender = await link('sender');
    const receiver = await link('receiver');
    const received = refusal(sender.guard(never)).then(async (error) => {
      await clock.sleep(2_000);
      await sender.close(StubferryError.from(error));
      return { error, at: clock.now() };
    });
    await receiver.close(FULL);
    const closed = clock.now();
    const { error, at } = await received;
    expect(error).toMatchObject({ code: 'PEER_ABORTED', message: 'the receiver gave up: DESTINATION_FULL: no room' });
    expect(closed).toBeGreaterThanOrEqual(at);
    expect(closed).toBeLessThan(at + 50);
  });

  it.each([
    ['a save', 'save', 'receiver', 'sender'],
    ['a restore', 'restore', 'sender', 'receiver'],
  ] as const)(
    'waits for a silent stubdom agent as long as a live agent may be silent, in %s',
    async (_, direction, own, other) => {
      const { link, clock } = await testDisk({ direction });
      await (await link(other)).close();
      const dom0 = await link(own);
      const before = clock.now();
      await dom0.close(FULL);
      expect(clock.now() - before).toBe(5_000);
    },
  );

  it.each<[string, Phase]>([
    ['that has given up', 'aborted'],
    ['that is done', 'done'],
  ])('does not wait for a stubdom agent %s', async (_, phase) => {
    const { link, clock } = await testDisk();
    await (await link('sender')).close(phase);
    const before = clock.now();
    await (await link('receiver')).close(FULL);
    expect(clock.now() - before).toBe(0);
  });

  it('does not wait for a stubdom agent that never opened the disk', async () => {
    const { link, clock } = await testDisk();
    const receiver = await link('receiver');
    const before = clock.now();
    await receiver.close(FULL);
    expect(clock.now() - before).toBe(0);
  });

  it('does not wait for a stubdom agent that it has found dead', async () => {
    const { link, clock } = await testDisk();
    const receiver = await link('receiver');
    await (await link('sender')).close();
    const error = await refusal(receiver.guard(never));
    const before = clock.now();
    await receiver.close(StubferryError.from(error));
    expect(error).toMatchObject({ code: 'PEER_DEAD' });
    expect(clock.now() - before).toBe(0);
  });

  it('repeats its error after the disk has rejected the first write', async () => {
    const { link, device } = await testDisk();
    const sender = await link('sender');
    const receiver = await link('receiver');
    const received = refusal(sender.guard(never)).then((error) =>
      sender.close(StubferryError.from(error)).then(() => error),
    );
    device.onWrite = () => {
      device.onWrite = () => undefined;
      return Promise.reject(new StubferryError('DISK_IO', 'injected'));
    };
    await receiver.close(FULL);
    expect(await received).toMatchObject({ code: 'PEER_ABORTED' });
  });

  it('limits its wait when the disk hangs', async () => {
    const { link, clock, device } = await testDisk();
    await link('sender');
    const receiver = await link('receiver');
    device.onWrite = () => never;
    const before = clock.now();
    await receiver.close(FULL);
    expect(clock.now() - before).toBe(5_000);
  });

  it('does not wait in the stubdom, where a guest is stopped meanwhile', async () => {
    const { link, clock } = await testDisk();
    await link('receiver');
    const sender = await link('sender');
    const before = clock.now();
    await sender.close(FULL);
    expect(clock.now() - before).toBe(0);
  });
});

describe('the stall timer', () => {
  it('counts at most a second between two checks', () => {
    const clock = new VirtualClock();
    const stall = new StallTimer(clock);
    clock.jump(400);
    expect(stall.look()).toBe(400);
    clock.jump(86_400_000);
    expect(stall.look()).toBe(1400);
    stall.renew();
    expect(stall.look()).toBe(0);
  });
});
