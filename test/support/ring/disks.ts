/** Formatted disks in memory, and links on them, for tests. */
import { afterEach } from '@jest/globals';
import type { Role } from '../../../src/formats/protocol/control-block.js';
import { LIMITS } from '../../../src/formats/protocol/limits.js';
import { RING_START, type Superblock } from '../../../src/formats/protocol/superblock.js';
import { NIL_UUID } from '../../../src/formats/protocol/uuid.js';
import { diskSizeFor, formatDisk, Link } from '../../../src/transfer/ring/index.js';
import { type FaultyDevice, faultyDevice } from './faulty-device.js';
import { VirtualClock } from './virtual-clock.js';

export const TRANSFER = '6f1ed7a2-0c5b-4a2e-9b0f-3d1c8a7e5b42';

/** Small enough that a few KB make several laps. */
export const SMALL: Superblock = {
  ringStart: RING_START,
  ringLength: LIMITS.ring.min,
  transferUuid: TRANSFER,
  targetUuid: NIL_UUID,
  targetDomid: 7,
  direction: 'save',
  maxPayload: 8192,
  maxState: 64 * 1024 * 1024,
  writer: 'stubferry test',
};

export interface TestDisk {
  readonly device: FaultyDevice;
  readonly clock: VirtualClock;
  readonly superblock: Superblock;
  link(role: Role, epoch?: bigint, signal?: AbortSignal): Promise<Link>;
}

const clocks: VirtualClock[] = [];

// A heartbeat that is not stopped would continue during the next test.
afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop();
});

export async function testDisk(change: Partial<Superblock> = {}): Promise<TestDisk> {
  const superblock = { ...SMALL, ...change };
  const device = faultyDevice(diskSizeFor(superblock.ringLength));
  await formatDisk(device, superblock);
  const clock = new VirtualClock();
  clocks.push(clock);
  return {
    device,
    clock,
    superblock,
    link: (role, epoch = role === 'sender' ? 11n : 22n, signal = new AbortController().signal) => {
      return Link.open(device, role, { clock, epoch, signal });
    },
  };
}

/** Returns the error with which `work` rejects. @throws when `work` does not reject */
export async function refusal(work: Promise<unknown>): Promise<unknown> {
  let result: unknown;
  try {
    result = await work;
  } catch (error) {
    return error;
  }
  throw new Error(`did not reject, but resolved to ${String(result)}`);
}
