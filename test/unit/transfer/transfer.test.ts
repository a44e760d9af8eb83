import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StubferryError } from '../../../src/base/errors/index.js';
import { viewOf } from '../../../src/formats/protocol/block.js';
import { PHASES, type Phase } from '../../../src/formats/protocol/control-block.js';
import type { StateSource } from '../../../src/formats/state-source.js';
import { lingerForSender, receiveState, sendState } from '../../../src/transfer/index.js';
import { CONTROL_OFFSETS } from '../../../src/transfer/ring/disk-layout.js';
import { refusal, type TestDisk, testDisk } from '../../support/ring/disks.js';
import {
  BEGIN,
  contentOf,
  type MemorySink,
  memorySink,
  memorySource,
  stateOf,
  toSend,
} from '../../support/transfer/endpoints.js';

interface Outcome {
  readonly sender: unknown;
  readonly receiver: unknown;
}

/** Runs both sides to their ends, as the agents do: an error becomes the final status on the disk. */
async function transfer(disk: TestDisk, source: StateSource, sink: MemorySink, begin = BEGIN): Promise<Outcome> {
  const side = async (role: 'sender' | 'receiver'): Promise<unknown> => {
    const link = await disk.link(role);
    try {
      const sending = role === 'sender';
      const summary = await (sending ? sendState(link, toSend(source, begin)) : receiveState(link, sink));
      if (!sending) await lingerForSender(link);
      await link.close(sending ? 'done' : undefined);
      return summary;
    } catch (error) {
      await link.close(StubferryError.from(error));
      return error;
    }
  };
  const [sender, receiver] = await Promise.all([side('sender'), side('receiver')]);
  return { sender, receiver };
}

describe('a transfer', () => {
  it('delivers any state, in any chunks, unchanged to the sink, with equal digests on both sides', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 200_000 }),
        fc.integer({ min: 1, max: 9000 }),
        async (length, chunk) => {
          const disk = await testDisk();
          const state = stateOf(length);
          const sink = memorySink();
          const { sender, receiver } = await transfer(disk, memorySource(state, Math.max(chunk, length >> 7)), sink);
          const sha256 = createHash('sha256').update(state).digest();
          expect(Buffer.from(contentOf(sink)).equals(state)).toBe(true);
          expect(sink.calls).toEqual(['begin', 'commit']);
          expect(sink.begin_).toEqual(BEGIN);
          expect(sender).toMatchObject({
            end: { stateBytes: length, digests: { sha256: new Uint8Array(sha256) } },
          });
          expect(receiver).toMatchObject({
            end: { stateBytes: length, digests: { sha256: new Uint8Array(sha256) } },
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([0, 1, 4095, 4096, 4097, 8192, 8193, 65_536, 1_000_000])('carries a state of %i bytes', async (length) => {
    const sink = memorySink();
    const { receiver } = await transfer(await testDisk(), memorySource(stateOf(length)), sink);
    expect(receiver).toMatchObject({ end: { stateBytes: length } });
    expect(Buffer.from(contentOf(sink)).equals(stateOf(length))).toBe(true);
  });

  it('works without digests of the whole state, because every frame has a chain checksum', async () => {
    const begin = { ...BEGIN, sha256: false };
    const { receiver, sender } = await transfer(await testDisk(), memorySource(stateOf(20_000)), memorySink(), begin);
    expect(receiver).toMatchObject({ end: { stateBytes: 20_000, digests: undefined } });
    expect(sender).toMatchObject({ end: (receiver as { end: object }).end });
  });

  it('succeeds for the sender only after the sink has committed', async () => {
    const disk = await testDisk();
    let committed = false;
    const sink = memorySink({
      commit: async () => {
        await disk.clock.sleep(60_000);
        committed = true;
      },
    });
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    const received = receiveState(receiver, sink);
    await sendState(link, toSend(memorySource(stateOf(100))));
    expect(committed).toBe(true);
    await received;
  });

  it('acknowledges a restore with LOADED and rejects COMMITTED', async () => {
    const disk = await testDisk({ direction: 'restore' });
    const sending = await disk.link('sender');
    const receiver = await disk.link('receiver');
    const sent = refusal(sendState(sending, toSend(memorySource(stateOf(100)))));
    await disk.clock.sleep(100);
    await receiver.own.publish({ peerEpoch: sending.own.epoch, phase: 'committed' });
    expect(await sent).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      details: { expected: 'loaded', found: 'committed' },
    });
  });
});

describe('a transfer that fails', () => {
  it('at the source makes the receiver discard its data and report the reason', async () => {
    const fail = (): never => {
      throw new StubferryError('INPUT_UNREADABLE', 'the pipe broke');
    };
    const sink = memorySink();
    const { sender, receiver } = await transfer(await testDisk(), memorySource(stateOf(50_000), 5000, fail), sink);
    expect(sender).toMatchObject({ code: 'INPUT_UNREADABLE', message: 'the pipe broke' });
    expect(receiver).toMatchObject({
      code: 'PEER_ABORTED',
      message: 'the sender gave up: INPUT_UNREADABLE: the pipe broke',
    });
    expect(sink.calls).toEqual(['begin', 'discard']);
  });

  it.each(['begin', 'data', 'commit'] as const)(
    'in the %s of the sink makes the sender report the reason',
    async (where) => {
      const fail = async (): Promise<never> => {
        throw new StubferryError('DESTINATION_FULL', 'no room');
      };
      const sink = memorySink({ [where]: fail });
      const { sender, receiver } = await transfer(await testDisk(), memorySource(stateOf(50_000)), sink);
      expect(receiver).toMatchObject({ code: 'DESTINATION_FULL', message: 'no room' });
      expect(sender).toMatchObject({ code: 'PEER_ABORTED', details: { found: 'DESTINATION_FULL' } });
      expect(sink.calls.at(-1)).toBe('discard');
    },
  );

  it('because the state is larger than the superblock allows ends both sides', async () => {
    const sink = memorySink();
    const { sender, receiver } = await transfer(
      await testDisk({ maxState: 10_000 }),
      memorySource(stateOf(10_001)),
      sink,
    );
    expect(sender).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { expected: 'at most 10000 bytes' } });
    expect(receiver).toMatchObject({ code: 'PEER_ABORTED' });
    expect(sink.calls.at(-1)).toBe('discard');
  });

  it('because the sender publishes `sent` before all frames reports that there is no progress', async () => {
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    await link.own.publish({ phase: 'sent' });
    expect(await refusal(receiveState(receiver, memorySink()))).toMatchObject({ code: 'NO_PROGRESS' });
  });

  it('because the receiver takes too long to make the state durable ends the sender', async () => {
    const sink = memorySink({ commit: () => new Promise(() => undefined) });
    const disk = await testDisk();
    const link = await disk.link('sender');
    const receiver = await disk.link('receiver');
    // A receiver that ignores its own deadline.
    receiver.fail = () => undefined;
    void receiveState(receiver, sink).catch(() => undefined);
    expect(await refusal(sendState(link, toSend(memorySource(stateOf(10)))))).toMatchObject({
      code: 'NO_PROGRESS',
      details: { expected: 'an acknowledgement within 340000 ms', found: 'verified at 10 bytes' },
    });
  });
});

describe('a destination that accepts nothing', () => {
  it('ends the receiver after the commit timeout, and the sender with the reason', async () => {
    const sink = memorySink({ commit: () => new Promise(() => undefined) });
    const { sender, receiver } = await transfer(await testDisk(), memorySource(stateOf(10)), sink);
    expect(receiver).toMatchObject({ code: 'NO_PROGRESS', message: 'the destination does not accept the state' });
    expect(sender).toMatchObject({ code: 'PEER_ABORTED', details: { found: 'NO_PROGRESS' } });
    expect(sink.calls.at(-1)).toBe('discard');
  });

  it('ends the receiver while the sender waits for its source', async () => {
    const sink = memorySink({ data: () => new Promise(() => undefined) });
    const source = memorySource(stateOf(8192));
    let reads = 0;
    const quiet: StateSource = {
      ...source,
      read: (into) => (reads++ === 0 ? source.read(into) : new Promise(() => undefined)),
    };
    const { sender, receiver } = await transfer(await testDisk(), quiet, sink);
    expect(receiver).toMatchObject({
      code: 'NO_PROGRESS',
      message: 'the destination does not accept the state',
      details: { expected: 'every write and commit to finish within 30000 ms' },
    });
    expect(sender).toMatchObject({ code: 'PEER_ABORTED', details: { found: 'NO_PROGRESS' } });
  });

  it('does not hold up the receiver when it cannot be discarded either', async () => {
    const hang = (): Promise<never> => new Promise(() => undefined);
    const sink = memorySink({ data: hang, discard: hang });
    const disk = await testDisk();
    const controller = new AbortController();
    const receiver = await disk.link('receiver', 22n, controller.signal);
    const received = refusal(receiveState(receiver, sink));
    void sendState(await disk.link('sender'), toSend(memorySource(stateOf(10)))).catch(() => undefined);
    await disk.clock.sleep(500);
    controller.abort(new StubferryError('CANCELLED', 'enough'));
    expect(await received).toMatchObject({ code: 'CANCELLED', message: 'enough' });
  });
});

describe('a sender that starts after the state of an earlier sender', () => {
  const afterAnother = async (phase: Phase): Promise<unknown> => {
    const disk = await testDisk();
    const receiver = await disk.link('receiver');
    await receiver.own.publish({ phase, peerEpoch: 5n, cursor: 8192, streamed: 10 });
    return refusal(sendState(await disk.link('sender'), toSend(memorySource(stateOf(10)))));
  };

  it('was committed reports immediately that its own state is not committed', async () => {
    expect(await afterAnother('committed')).toMatchObject({
      code: 'STALE_EPOCH',
      message: 'the receiver has accepted the state of an earlier sender',
      details: { found: 'committed, 10 bytes of the earlier state' },
    });
  });

  it('was verified waits for the result of that state', async () => {
    expect(await afterAnother('verified')).toMatchObject({
      code: 'NO_PROGRESS',
      details: { expected: 'an acknowledgement within 340000 ms', found: 'verified at 10 bytes' },
    });
  });
});

describe('the target of a state', () => {
  const [OURS, OTHER] = ['11111111-2222-3333-4444-555555555555', '99999999-2222-3333-4444-555555555555'];

  it('comes from the superblock that dom0 wrote when BEGIN names none', async () => {
    const sink = memorySink();
    await transfer(await testDisk({ targetUuid: OURS, targetDomid: 9 }), memorySource(stateOf(10)), sink);
    expect(sink.begin_).toMatchObject({ targetUuid: OURS, targetDomid: 9 });
  });

  it('must not differ in BEGIN from the superblock', async () => {
    const sink = memorySink();
    const disk = await testDisk({ targetUuid: OURS });
    const { receiver } = await transfer(disk, memorySource(stateOf(10)), sink, { ...BEGIN, targetUuid: OTHER });
    expect(receiver).toMatchObject({
      code: 'WRONG_TARGET',
      details: { expected: `target ${OURS}`, found: `target ${OTHER}` },
    });
    expect(sink.calls).toEqual(['discard']);
  });
});

describe('a commit that cannot be undone', () => {
  it('is reported as success, even if the transfer is cancelled during the commit', async () => {
    const disk = await testDisk();
    const controller = new AbortController();
    const sink = memorySink({
      commit: async (end) => {
        sink.end_ = end;
        controller.abort(new StubferryError('CANCELLED', 'too late'));
        await disk.clock.sleep(1000);
      },
    });
    const sender = await disk.link('sender');
    const receiver = await disk.link('receiver', 22n, controller.signal);
    const [sent, received] = await Promise.all([
      sendState(sender, toSend(memorySource(stateOf(100)))),
      receiveState(receiver, sink),
    ]);
    expect(sent.end.stateBytes).toBe(100);
    expect(received.end.stateBytes).toBe(100);
  });
});

describe('a link that fails while the first frame is being read', () => {
  it('does not begin the sink after its discard, because nobody would discard it again', async () => {
    const disk = await testDisk();
    const sink = memorySink();
    const sender = await disk.link('sender');
    const receiver = await disk.link('receiver');
    const sent = refusal(sendState(sender, toSend(memorySource(stateOf(100)))));
    await disk.clock.sleep(10);
    disk.device.onRead = (_bytes, position, pass) => {
      if (position < receiver.superblock.ringStart) return undefined;
      receiver.fail(new StubferryError('CANCELLED', 'just now'));
      return disk.clock.sleep(5).then(pass);
    };
    expect(await refusal(receiveState(receiver, sink))).toMatchObject({ code: 'CANCELLED', message: 'just now' });
    await disk.clock.sleep(100);
    expect(sink.calls).toEqual(['discard']);
    await receiver.close(new StubferryError('CANCELLED', 'just now'));
    expect(await sent).toMatchObject({ code: 'PEER_ABORTED' });
  });
});

describe('an acknowledgement', () => {
  const ofReceiver = (phase: Phase, bytes: Uint8Array, position: number): boolean =>
    position < CONTROL_OFFSETS.sender && viewOf(bytes).getUint16(48, true) === PHASES[phase];

  it('is repeated by the heartbeat when the disk rejects it, because the state is durable', async () => {
    const disk = await testDisk();
    let refused = 0;
    disk.device.onWrite = (bytes, position) => {
      if (refused > 0 || !ofReceiver('committed', bytes, position)) return undefined;
      refused += 1;
      return Promise.reject(new StubferryError('DISK_IO', 'refused'));
    };
    const { sender, receiver } = await transfer(disk, memorySource(stateOf(100)), memorySink());
    expect(refused).toBe(1);
    expect(sender).toMatchObject({ end: { stateBytes: 100 } });
    expect(receiver).toMatchObject({ end: { stateBytes: 100 } });
  });

  it('ends the receiver with success when the disk never completes its write', async () => {
    const disk = await testDisk();
    disk.device.onWrite = (bytes, position) =>
      ofReceiver('committed', bytes, position) ? new Promise(() => undefined) : undefined;
    const { sender, receiver } = await transfer(disk, memorySource(stateOf(100)), memorySink());
    expect(receiver).toMatchObject({ end: { stateBytes: 100 } });
    expect(sender).toMatchObject({ code: 'PEER_DEAD' });
  });

  it('stays valid after a later error', async () => {
    const disk = await testDisk();
    const sender = await disk.link('sender');
    const receiver = await disk.link('receiver');
    const sent = sendState(sender, toSend(memorySource(stateOf(100))));
    await receiveState(receiver, memorySink());
    await receiver.close(new StubferryError('DISK_NO_SPACE', 'the journal cannot be written'));
    expect((await sent).end.stateBytes).toBe(100);
  });
});

describe('a receiver that has acknowledged', () => {
  it('waits for the stubdom agent to read it before dom0 removes the disk', async () => {
    const { link, clock } = await testDisk();
    const sender = await link('sender');
    const receiver = await link('receiver');
    void clock.sleep(4_000).then(() => sender.close('done'));
    await lingerForSender(receiver);
    expect(clock.now()).toBeGreaterThanOrEqual(4_000);
    expect(clock.now()).toBeLessThan(4_100);
  });

  it.each([
    ['as long as a live agent may be silent', 'in dom0', 'save', 5_000],
    ['a second', 'in the stubdom, where the disk stays and a guest is waiting', 'restore', 1_000],
  ] as const)('waits for a silent sender %s, %s', async (_, _where, direction, ms) => {
    const { link, clock } = await testDisk({ direction });
    await link('sender');
    const receiver = await link('receiver');
    const before = clock.now();
    await lingerForSender(receiver);
    expect(clock.now() - before).toBe(ms);
  });
});

describe('a sender that is restarted', () => {
  it('starts again: the receiver discards the partial state and receives the new one', async () => {
    const disk = await testDisk();
    const sink = memorySink();
    const receiver = await disk.link('receiver');
    const received = receiveState(receiver, sink);

    const first = await disk.link('sender', 1n);
    let chunks = 0;
    const stuck: StateSource = {
      read: async (into) => {
        chunks += 1;
        if (chunks > 9) await new Promise(() => undefined);
        return into.fill(9).length;
      },
      close: async () => undefined,
    };
    void sendState(first, toSend(stuck)).catch(() => undefined);
    await disk.clock.sleep(500);
    expect(sink.chunks.length).toBe(9);
    await first.close();

    const state = stateOf(150_000);
    await sendState(await disk.link('sender', 2n), toSend(memorySource(state)));
    await received;
    expect(Buffer.from(contentOf(sink)).equals(state)).toBe(true);
    expect(sink.calls).toEqual(['begin', 'discard', 'begin', 'commit']);
  });
});
