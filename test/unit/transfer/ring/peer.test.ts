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

describe('the watch over the peer', () => {
  it('ends the link when no peer comes', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'PEER_ABSENT',
      message: 'no receiver came to the transfer disk',
    });
    expect(disk.clock.now()).toBeGreaterThan(30_000);
    expect(disk.clock.now()).toBeLessThan(33_000);
  });

  it('ends the link when the heartbeat of the peer stops, and says where it stood', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.own.publish({ phase: 'receiving', streamed: 1234 });
    await receiver.close();
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'PEER_DEAD',
      message: 'the receiver stopped',
      details: { found: 'none; when last heard it was receiving, 1234 bytes into the state' },
    });
  });

  it('holds a peer that beats for alive, however long it takes', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    await disk.link('receiver');
    await expect(link.guard(disk.clock.sleep(3_600_000))).resolves.toBeUndefined();
  });

  it('tells why the peer gave up, with what it wrote made harmless', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.close(new StubferryError('DESTINATION_FULL', 'no room \u001b[31mat all'));
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the receiver gave up: DESTINATION_FULL: no room \\u{1b}[31mat all',
    });
  });

  it('hears that a restarted sender gives up, while the receiver is held up by its destination', async () => {
    const disk = await testDisk();
    const receiver = await disk.link('receiver');
    receiver.peer.follow(1n);
    const restarted = await disk.link('sender', 2n);
    await restarted.close(new StubferryError('NO_PROGRESS', 'the receiver does not acknowledge the state'));
    expect(await refusal(receiver.guard(never))).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the sender gave up: NO_PROGRESS: the receiver does not acknowledge the state',
    });
  });

  it('notices that a restarted sender dies, while the receiver is held up by its destination', async () => {
    const disk = await testDisk();
    const receiver = await disk.link('receiver');
    receiver.peer.follow(1n);
    await (await disk.link('sender', 2n)).close();
    expect(await refusal(receiver.guard(never))).toMatchObject({ code: 'PEER_DEAD', message: 'the sender stopped' });
  });

  it('does not take a jump of the clock for the death of the peer', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    await disk.link('receiver');
    await disk.clock.sleep(1000);
    disk.clock.jump(3_600_000);
    await expect(link.guard(disk.clock.sleep(5000))).resolves.toBeUndefined();
  });

  it('reads the other slot when one is torn', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await receiver.own.publish({ cursor: 0, streamed: 77 });
    await disk.device.medium.write(alignedBuffer(BLOCK_SIZE).fill(0xaa), 3 * BLOCK_SIZE);
    const seen = await link.peer.poll();
    expect(seen).toMatchObject({ sequence: 2, streamed: 77 });
  });
});

describe('the own control block', () => {
  it('notices a second agent in the same role', async () => {
    const disk = await testDisk();
    const first = await disk.link('sender', 1n);
    await disk.link('receiver');
    await disk.link('sender', 2n);
    expect(await refusal(first.guard(never))).toMatchObject({
      code: 'DISK_LOCKED',
      message: 'another agent writes the same control block',
    });
  });

  it('continues the sequence of the agent before it', async () => {
    const disk = await testDisk();
    const first = await disk.link('receiver', 1n);
    await first.close('aborted');
    await disk.link('receiver', 2n);
    const sender = await disk.link('sender');
    expect(await sender.peer.poll()).toMatchObject({ sequence: 3, epoch: 2n, phase: 'ready' });
  });
});

describe('a link', () => {
  it('ends when the disk does not answer', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    await disk.link('receiver');
    disk.device.onWrite = () => never;
    disk.device.stalled = 16_000;
    expect(await refusal(link.guard(never))).toMatchObject({
      code: 'DISK_HUNG',
      message: 'the transfer disk does not answer',
      details: { found: 'none for 16000 ms' },
    });
  });

  it('takes no peer for dead while the disk takes no writes: it has not answered, and that is said', async () => {
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

  it('ends with the reason of the signal that cancels it', async () => {
    const disk = await testDisk();
    const controller = new AbortController();
    const link = await disk.link('sender', 1n, controller.signal);
    const guarded = refusal(link.guard(never));
    controller.abort(new StubferryError('CANCELLED', 'enough'));
    expect(await guarded).toMatchObject({ code: 'CANCELLED', message: 'enough' });
  });

  it('no longer listens to that signal when it is closed', async () => {
    const disk = await testDisk();
    const { signal } = new AbortController();
    const link = await disk.link('sender', 1n, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await link.close('done');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('closes within a second when its last word cannot be written', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    disk.device.onWrite = () => never;
    const before = disk.clock.now();
    await link.close(new StubferryError('CANCELLED', 'enough'));
    expect(disk.clock.now() - before).toBeLessThanOrEqual(1000);
  });
});

describe("dom0's agent that gives up, before it takes the disk away", () => {
  const FULL = new StubferryError('DESTINATION_FULL', 'no room');

  it('waits until the stubdom has heard why', async () => {
    const { link, clock } = await testDisk();
    const sender = await link('sender');
    const receiver = await link('receiver');
    const heard = refusal(sender.guard(never)).then(async (error) => {
      await clock.sleep(2_000);
      await sender.close(StubferryError.from(error));
      return { error, at: clock.now() };
    });
    await receiver.close(FULL);
    const left = clock.now();
    const { error, at } = await heard;
    expect(error).toMatchObject({ code: 'PEER_ABORTED', message: 'the receiver gave up: DESTINATION_FULL: no room' });
    expect(left).toBeGreaterThanOrEqual(at);
    expect(left).toBeLessThan(at + 50);
  });

  it.each([
    ['a save', 'save', 'receiver', 'sender'],
    ['a restore', 'restore', 'sender', 'receiver'],
  ] as const)(
    'waits for a stubdom that is silent as long as one that lives may be, in %s',
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
    ['that has given up itself', 'aborted'],
    ['that was done', 'done'],
  ])('does not wait for a stubdom %s', async (_, phase) => {
    const { link, clock } = await testDisk();
    await (await link('sender')).close(phase);
    const before = clock.now();
    await (await link('receiver')).close(FULL);
    expect(clock.now() - before).toBe(0);
  });

  it('does not wait for a stubdom that never came', async () => {
    const { link, clock } = await testDisk();
    const receiver = await link('receiver');
    const before = clock.now();
    await receiver.close(FULL);
    expect(clock.now() - before).toBe(0);
  });

  it('does not wait once more for a stubdom that it has taken for dead', async () => {
    const { link, clock } = await testDisk();
    const receiver = await link('receiver');
    await (await link('sender')).close();
    const error = await refusal(receiver.guard(never));
    const before = clock.now();
    await receiver.close(StubferryError.from(error));
    expect(error).toMatchObject({ code: 'PEER_DEAD' });
    expect(clock.now() - before).toBe(0);
  });

  it('says it again when the disk has refused its word', async () => {
    const { link, device } = await testDisk();
    const sender = await link('sender');
    const receiver = await link('receiver');
    const heard = refusal(sender.guard(never)).then((error) =>
      sender.close(StubferryError.from(error)).then(() => error),
    );
    device.onWrite = () => {
      device.onWrite = () => undefined;
      return Promise.reject(new StubferryError('DISK_IO', 'injected'));
    };
    await receiver.close(FULL);
    expect(await heard).toMatchObject({ code: 'PEER_ABORTED' });
  });

  it('is held up no longer by a disk that hangs', async () => {
    const { link, clock, device } = await testDisk();
    await link('sender');
    const receiver = await link('receiver');
    device.onWrite = () => never;
    const before = clock.now();
    await receiver.close(FULL);
    expect(clock.now() - before).toBe(5_000);
  });

  it('does not wait in the stubdom, where a guest stands still meanwhile', async () => {
    const { link, clock } = await testDisk();
    await link('receiver');
    const sender = await link('sender');
    const before = clock.now();
    await sender.close(FULL);
    expect(clock.now() - before).toBe(0);
  });
});

describe('patience', () => {
  it('counts at most a second between two looks', () => {
    const clock = new VirtualClock();
    const patience = new StallTimer(clock);
    clock.jump(400);
    expect(patience.look()).toBe(400);
    clock.jump(86_400_000);
    expect(patience.look()).toBe(1400);
    patience.renew();
    expect(patience.look()).toBe(0);
  });
});
