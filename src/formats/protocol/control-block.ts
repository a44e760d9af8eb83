/**
 * The control block contains the current status of one writer. Each side has two slots and writes them alternately.
 * When a crash tears a write, the other slot remains valid. The reader uses the valid slot with the highest sequence.
 * Sender and receiver never write the same block.
 *
 *     offset  size  field
 *     0       8     magic "SFSENDER" or "SFRECEIV"
 *     8       8     sequence, starting at 1; its parity selects the slot
 *     16      8     epoch: a random number for each start of an agent, by which the peer detects a restart
 *     24      8     peer epoch: the epoch of the peer that this writer accepted; 0 when it has seen none
 *     32      8     cursor: a ring position in bytes that only grows; it is the end of the written data (sender) or of
 *                   the consumed data (receiver)
 *     40      8     bytes of the state so far
 *     48      2     phase
 *     50      2     error code: the exit status of the error; 0 for none
 *     52      4     length of the reason, in bytes
 *     64      n     reason, UTF-8, at most 1024 bytes
 *     4088    8     checksum; its seed is the transfer UUID xor the number of the block on the disk
 *
 * A change of the sequence is the heartbeat. The reader times the changes only with its own clock.
 */
import { printable } from '../../base/errors/index.js';
import { hasValidChecksum, readCount, viewOf, writeChecksum, writeCount } from './block.js';
import { LIMITS } from './limits.js';
import type { Direction } from './superblock.js';

/** The two writers of a transfer disk. */
export type Role = 'sender' | 'receiver';

const MAGIC = { sender: 'SFSENDER', receiver: 'SFRECEIV' } as const satisfies Record<Role, string>;
const REASON_OFFSET = 64;

/**
 * The phases of a writer, with their numbers in the control block.
 *
 *     sender:    ready -> streaming -> sent -> done
 *     receiver:  ready -> receiving -> verified -> committed (save) | loaded (restore)
 *     both:      any phase except the last one -> aborted
 */
export const PHASES = {
  ready: 1,
  streaming: 2,
  sent: 3,
  done: 4,
  receiving: 5,
  verified: 6,
  committed: 7,
  loaded: 8,
  aborted: 9,
} as const;

/** The name of a phase. */
export type Phase = keyof typeof PHASES;

/** The phase by which a receiver acknowledges that the state is stored (save) or that QEMU has loaded it (restore). */
export const ACKNOWLEDGEMENT = { save: 'committed', restore: 'loaded' } as const satisfies Record<Direction, Phase>;

/** The role of the dom0 agent, which creates and removes the disk. */
export const DOM0_ROLE = { save: 'receiver', restore: 'sender' } as const satisfies Record<Direction, Role>;

/** The acknowledging phases of both directions. */
export const ACKNOWLEDGEMENTS: readonly Phase[] = Object.values(ACKNOWLEDGEMENT);

const phaseOf = new Map<number, Phase>(Object.entries(PHASES).map(([name, number]) => [number, name as Phase]));

/** A decoded control block. The layout above describes the fields. */
export interface ControlBlock {
  readonly sequence: number;
  readonly epoch: bigint;
  readonly peerEpoch: bigint;
  /** Ring position, in bytes. */
  readonly cursor: number;
  /** Bytes of the state so far. */
  readonly streamed: number;
  readonly phase: Phase;
  /** The exit status of the error for which the writer aborted; 0 for none. */
  readonly errorStatus: number;
  /** Why the writer aborted. The text is safe to print. */
  readonly reason: string;
}

/**
 * Encodes a control block into `block` (4096 bytes), whose previous content does not matter.
 *
 * @param seed of the checksum, as in the layout
 */
export function encodeControlBlock(block: Uint8Array, role: Role, control: ControlBlock, seed: bigint): void {
  block.fill(0);
  const view = viewOf(block);
  block.set(Buffer.from(MAGIC[role], 'latin1'), 0);
  writeCount(view, 8, control.sequence);
  view.setBigUint64(16, control.epoch, true);
  view.setBigUint64(24, control.peerEpoch, true);
  writeCount(view, 32, control.cursor);
  writeCount(view, 40, control.streamed);
  view.setUint16(48, PHASES[control.phase], true);
  view.setUint16(50, control.errorStatus, true);
  const { written } = new TextEncoder().encodeInto(
    control.reason,
    block.subarray(REASON_OFFSET, REASON_OFFSET + LIMITS.reason),
  );
  view.setUint32(52, written, true);
  writeChecksum(block, seed);
}

/**
 * Decodes the control block in a slot.
 *
 * @returns undefined when the slot is blank or torn, or belongs to another role, transfer or position
 */
export function decodeControlBlock(block: Uint8Array, role: Role, seed: bigint): ControlBlock | undefined {
  if (Buffer.from(block.subarray(0, 8)).toString('latin1') !== MAGIC[role] || !hasValidChecksum(block, seed))
    return undefined;
  const view = viewOf(block);
  const sequence = readCount(view, 8);
  const cursor = readCount(view, 32);
  const streamed = readCount(view, 40);
  const phase = phaseOf.get(view.getUint16(48, true));
  const reasonLength = view.getUint32(52, true);
  if (sequence === undefined || cursor === undefined || streamed === undefined || phase === undefined) return undefined;
  if (reasonLength > LIMITS.reason) return undefined;
  const reason = Buffer.from(block.subarray(REASON_OFFSET, REASON_OFFSET + reasonLength)).toString('utf8');
  return {
    sequence,
    epoch: view.getBigUint64(16, true),
    peerEpoch: view.getBigUint64(24, true),
    cursor,
    streamed,
    phase,
    errorStatus: view.getUint16(50, true),
    reason: printable(reason),
  };
}
