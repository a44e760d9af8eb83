/**
 * A whole transfer in memory, before an agent says that it is ready.
 *
 * Code that runs for the first time is compiled then. Without this, that would be paid while the guest is stopped; here it
 * costs 60 ms before an agent is ready. And an agent that cannot carry a few bytes through itself (a broken installation)
 * says so before anybody relies on it.
 */
import { diskSizeFor, formatDisk, Link } from '../channel/index.js';
import { LIMITS } from '../codec/limits.js';
import { RING_START } from '../codec/superblock.js';
import { NIL_UUID } from '../codec/uuid.js';
import { StubferryError } from '../errors/index.js';
import { StatefileReader, StatefileSink } from '../statefile/index.js';
import { receiveState, type StateSource, sendState } from '../transfer/index.js';
import { WRITER } from '../version.js';
import type { Log } from './log.js';
import { type RehearsalStage, rehearsalStage } from './rehearsal-stage.js';
import { stateToSend } from './state-to-send.js';

/**
 * So many transfers of so many frames: enough for the compiler to have done its work on what a frame takes, and on what is done once in a
 * transfer.
 */
const TRANSFERS = 12;
const BYTES = 8 * LIMITS.payload.min;

/** @throws StubferryError INTERNAL when the state does not come out as it went in */
export async function rehearse(log: Log): Promise<void> {
  const state = emptyState(BYTES);
  const stage = await rehearsalStage(diskSizeFor(LIMITS.ring.min), log);
  try {
    for (let count = 0; count < TRANSFERS; count += 1) await transfer(stage, state);
  } finally {
    await stage.close();
  }
}

/** A device state for its first bytes and its last one. */
function emptyState(length: number): Uint8Array {
  const state = new Uint8Array(length);
  state.set(Buffer.from('QEVM\0\0\0\x03\x04', 'latin1'));
  return state;
}

async function transfer(stage: RehearsalStage, state: Uint8Array): Promise<void> {
  await formatDisk(stage.sender, {
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
  const [sender, receiver] = [await Link.open(stage.sender, 'sender'), await Link.open(stage.receiver, 'receiver')];
  try {
    const provenance = { targetUuid: NIL_UUID, targetDomid: 0, qemuVersion: '', machineType: '' };
    const sendable = { opaque: false, unpack: false, sha256: true, provenance };
    await Promise.all([
      sendState(sender, () => stateToSend(bytesSource(state), 'the rehearsal', sendable)),
      receiveState(receiver, new StatefileSink(async () => stage.output, { transferUuid: NIL_UUID, writer: WRITER })),
    ]);
  } finally {
    await Promise.all([sender.close(), receiver.close()]);
  }
  const reader = await StatefileReader.open(bytesSource(await stage.taken()), 'the rehearsal');
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
