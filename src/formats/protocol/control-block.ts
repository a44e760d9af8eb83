/**
 * The control block: what one writer says about itself. Each side has two slots and writes them in turn, so a
 * write that is torn by a crash leaves the other slot valid; the reader takes the highest valid sequence. Sender
 * and receiver never write the same block.
 *
 *     0    8  magic "SFSENDER" or "SFRECEIV"
 *     8    8  sequence, from 1; its parity chooses the slot
 *     16   8  epoch: random for each start of an agent, so that a restarted peer is seen
 *     24   8  the peer's epoch that this writer follows; 0 when it has seen none
 *     32   8  cursor: ring position, bytes, monotone: written (sender) or consumed (receiver) up to here
 *     40   8  bytes of the state so far
 *     48   2  phase            50  2  error code (its exit status; 0 for none)
 *     52   4  length of the reason
 *     64   n  the reason, UTF-8, at most 1024 bytes
 *     4088 8  checksum, seed: transfer UUID xor the block's number on the disk
 *
 * A change of the sequence is the heartbeat: it is compared with the reader's own clock only.
 */
import { printable } from '../../base/errors/index.js';
import { hasValidChecksum, readCount, viewOf, writeChecksum, writeCount } from './block.js';
import { LIMITS } from './limits.js';
import type { Direction } from './superblock.js';

/** Which of the two writers. */
export type Role = 'sender' | 'receiver';

const MAGIC = { sender: 'SFSENDER', receiver: 'SFRECEIV' } as const satisfies Record<Role, string>;
const REASON_OFFSET = 64;

/**
 * Where a writer stands.
 *
 *     sender:    ready -> streaming -> sent -> done
 *     receiver:  ready -> receiving -> verified -> committed (save) | loaded (restore)
 *     both:      any but the last -> aborted
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

export type Phase = keyof typeof PHASES;

/** What a receiver says of a state that is safe where it had to go. */
export const ACKNOWLEDGEMENT = { save: 'committed', restore: 'loaded' } as const satisfies Record<Direction, Phase>;

/** Which of the two dom0's agent is, who makes the disk and takes it away. */
export const DOM0_ROLE = { save: 'receiver', restore: 'sender' } as const satisfies Record<Direction, Role>;

/** Of either direction. */
export const ACKNOWLEDGEMENTS: readonly Phase[] = Object.values(ACKNOWLEDGEMENT);

const phaseOf = new Map<number, Phase>(Object.entries(PHASES).map(([name, number]) => [number, name as Phase]));

/** What a control block says. */
export interface ControlBlock {
  readonly sequence: number;
  readonly epoch: bigint;
  readonly peerEpoch: bigint;
  /** Ring position, bytes. */
  readonly cursor: number;
  /** Bytes of the state so far. */
  readonly streamed: number;
  readonly phase: Phase;
  /** Exit status of the error that made the writer abort; 0 for none. */
  readonly errorStatus: number;
  /** The writer's reason, already safe to print. */
  readonly reason: string;
}

/** Encodes into `block` (4096 bytes, any content). @param seed see the checksum in the layout */
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

/** The control block in a slot, or undefined when the slot is blank, torn or another's. */
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
