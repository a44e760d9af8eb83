/**
 * A whole transfer in memory, before an agent says that it is ready.
 *
 * Code that runs for the first time is compiled then. Without this, that would be paid while the guest is stopped; here it
 * costs 30 ms before an agent is ready. And an agent that cannot carry a few bytes through itself (a broken installation)
 * says so before anybody relies on it.
 */
import { memoryDevice } from '../blockdev-utils/index.js';
import { diskSizeFor, formatDisk, Link } from '../channel/index.js';
import { LIMITS } from '../codec/limits.js';
import { RING_START } from '../codec/superblock.js';
import { NIL_UUID } from '../codec/uuid.js';
import { StubferryError } from '../errors/index.js';
import { StatefileReader, StatefileSink } from '../statefile/index.js';
import { receiveState, type StateSource, sendState } from '../transfer/index.js';
import { VERSION, WRITER } from '../version.js';

/** Sixty frames: enough for the compiler to have done its work. Three left 214 KB at a median of 16 ms, these leave 6. */
const BYTES = 60 * LIMITS.payload.min;

/** @throws StubferryError INTERNAL when the state does not come out as it went in */
export async function rehearse(): Promise<void> {
  const device = memoryDevice(diskSizeFor(LIMITS.ring.min));
  await formatDisk(device, {
    ringStart: RING_START,
    ringLength: LIMITS.ring.min,
    transferUuid: NIL_UUID,
    targetUuid: NIL_UUID,
    targetDomid: 0,
    direction: 'save',
    maxPayload: LIMITS.payload.min,
    maxState: BYTES,
    writer: WRITER,
  });
  const written: Uint8Array[] = [];
  const open = async () => ({
    write: async (chunks: readonly Uint8Array[]) => void written.push(...chunks.map((chunk) => Uint8Array.from(chunk))),
    commit: async () => undefined,
    discard: async () => true,
  });
  const [sender, receiver] = [await Link.open(device, 'sender'), await Link.open(device, 'receiver')];
  try {
    const begin = {
      ...{ kind: 'opaque' as const, targetUuid: NIL_UUID, targetDomid: 0, qemuVersion: '', machineType: '' },
      ...{ stubferryVersion: VERSION, createdMs: 0, sha256: true },
    };
    await Promise.all([
      sendState(sender, async () => ({ source: bytesSource(new Uint8Array(BYTES).fill(1)), begin })),
      receiveState(receiver, new StatefileSink(open, { transferUuid: NIL_UUID, writer: WRITER })),
    ]);
  } finally {
    await Promise.all([sender.close(), receiver.close()]);
  }
  const reader = await StatefileReader.open(bytesSource(Buffer.concat(written)), 'the rehearsal');
  while ((await reader.next()) !== undefined);
  if (reader.progress.bytes !== BYTES) throw new StubferryError('INTERNAL', 'the rehearsal of a transfer lost bytes');
}

function bytesSource(bytes: Uint8Array): StateSource {
  let rest = bytes;
  return {
    read: async (into) => {
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    close: async () => undefined,
  };
}
