/**
 * Fault injection for every I/O: a small transfer makes some dozens of requests to the disk. Each run makes one of them
 * fail or corrupt its data. After every run, either the sink has the whole state and both sides report success, or the
 * sink is empty and the errors have codes.
 */
import { describe, expect, it } from '@jest/globals';
import { errorCodeOf, StubferryError } from '../../../src/base/errors/index.js';
import { lingerForSender, receiveState, sendState } from '../../../src/transfer/index.js';
import { type TestDisk, testDisk } from '../../support/ring/disks.js';
import type { Fault } from '../../support/ring/faulty-device.js';
import {
  contentOf,
  type MemorySink,
  memorySink,
  memorySource,
  stateOf,
  toSend,
} from '../../support/transfer/endpoints.js';

const STATE = stateOf(100_000);

async function attempt(disk: TestDisk, sink: MemorySink): Promise<{ sender: unknown; receiver: unknown }> {
  const run = async (role: 'sender' | 'receiver'): Promise<unknown> => {
    try {
      const link = await disk.link(role);
      try {
        if (role === 'sender') await sendState(link, toSend(memorySource(STATE)));
        else await receiveState(link, sink);
        if (role === 'receiver') await lingerForSender(link);
        await link.close(role === 'sender' ? 'done' : undefined);
        return undefined;
      } catch (error) {
        await link.close(StubferryError.from(error));
        throw error;
      }
    } catch (error) {
      return error;
    }
  };
  const [sender, receiver] = await Promise.all([run('sender'), run('receiver')]);
  return { sender, receiver };
}

/** Checks what must hold after any fault. */
function check(sink: MemorySink, sender: unknown, receiver: unknown): void {
  for (const error of [sender, receiver]) {
    if (error === undefined) continue;
    expect(error).toBeInstanceOf(StubferryError);
    expect(errorCodeOf((error as StubferryError).status)).not.toBe('INTERNAL');
  }
  const committed = sink.calls.includes('commit');
  if (committed) expect(Buffer.from(contentOf(sink)).equals(STATE)).toBe(true);
  // When the sender reports success, the state is committed.
  if (sender === undefined) expect(committed).toBe(true);
  if (receiver === undefined) expect(committed).toBe(true);
  if (!committed && sink.calls.includes('begin')) expect(sink.calls.at(-1)).toBe('discard');
}

/**
 * Runs the transfer once for each request, with `fault` in its place. Returns the number of runs and how many of them
 * succeeded.
 */
async function forEachRequest(kind: 'onRead' | 'onWrite', fault: Fault): Promise<{ runs: number; whole: number }> {
  let whole = 0;
  for (let victim = 0; ; victim += 1) {
    const disk = await testDisk();
    const sink = memorySink();
    let seen = 0;
    disk.device[kind] = (bytes, position, pass) => {
      seen += 1;
      return seen === victim + 1 ? fault(bytes, position, pass) : undefined;
    };
    const { sender, receiver } = await attempt(disk, sink);
    check(sink, sender, receiver);
    if (sender === undefined && receiver === undefined) whole += 1;
    disk.clock.stop();
    if (seen <= victim) return { runs: victim, whole };
  }
}

const failing: Fault = async () => {
  throw new StubferryError('DISK_IO', 'injected');
};

describe('a transfer with a fault in one request', () => {
  it('survives or reports each failing write', async () => {
    const { runs } = await forEachRequest('onWrite', failing);
    expect(runs).toBeGreaterThan(15);
  });

  it('survives or reports each failing read', async () => {
    const { runs } = await forEachRequest('onRead', failing);
    expect(runs).toBeGreaterThan(15);
  });

  it('survives or reports each lost write', async () => {
    const { runs, whole } = await forEachRequest('onWrite', async () => undefined);
    expect(runs).toBeGreaterThan(15);
    expect(whole).toBeGreaterThan(0);
  });

  it('survives or reports each write of which only the first half reaches the disk', async () => {
    const half: Fault = (bytes, _position, pass) => {
      bytes.fill(0, bytes.length / 2);
      return pass();
    };
    const { runs } = await forEachRequest('onWrite', half);
    expect(runs).toBeGreaterThan(15);
  });

  it('survives stale reads by reading again', async () => {
    const stale: Fault = async (bytes) => void bytes.fill(0);
    const { runs, whole } = await forEachRequest('onRead', stale);
    expect(runs).toBeGreaterThan(15);
    expect(whole).toBeGreaterThan(runs / 2);
  });

  it('survives or reports one flipped bit in each write', async () => {
    const flipped: Fault = (bytes, _position, pass) => {
      const middle = bytes.length >> 1;
      bytes[middle] = (bytes[middle] ?? 0) ^ 4;
      return pass();
    };
    const { runs } = await forEachRequest('onWrite', flipped);
    expect(runs).toBeGreaterThan(15);
  });
});
