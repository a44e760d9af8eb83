/** Bugs in control blocks, in waiting, and in the interpretation of the peer's status. */
import { type Mutation, mutant } from '../build/mutations.js';

export const CONTROL: readonly Mutation[] = [
  mutant(
    'the second slot of a control block gets the checksum of the first',
    'transfer/ring/control-slots.ts',
    'encodeControlBlock(this.#writeBuffer, this.#role, control, this.#seeds[slot] ?? 0n);',
    'encodeControlBlock(this.#writeBuffer, this.#role, control, this.#seeds[0] ?? 0n);',
  ),
  mutant(
    'the older of two control blocks is taken',
    'transfer/ring/control-slots.ts',
    'control.sequence > newest.sequence)) newest = control;',
    'control.sequence < newest.sequence)) newest = control;',
  ),
  mutant(
    'no checksum is checked',
    'formats/protocol/block.ts',
    'return viewOf(block).getBigUint64(CHECKSUM_OFFSET, true) === xxh64(block.subarray(0, CHECKSUM_OFFSET), seed);',
    'return block.length === BLOCK_SIZE || seed === 0n;',
  ),
  mutant(
    'the checksum of a frame is not checked',
    'formats/protocol/frame.ts',
    "if (!hasValidChecksum(block, seed)) return 'bad-checksum';",
    '',
  ),
  mutant(
    'a new agent does not continue the sequence of the one before',
    'transfer/ring/local-control-block.ts',
    'earlier?.sequence ?? 0, where)',
    '0, where)',
  ),
  mutant(
    'a peer that gave up is waited for',
    'transfer/ring/peer-monitor.ts',
    "    if (this.#control?.phase === 'aborted') throw this.#aborted(this.#control);\n    const silent",
    '    const silent',
  ),
  mutant(
    'VERIFIED is taken for COMMITTED',
    'transfer/acknowledgement.ts',
    'if (phase === wanted) return true;',
    "if (phase === wanted || phase === 'verified') return true;",
  ),
  mutant(
    'the acknowledgement of another sender is taken',
    'transfer/ring/epoch-match.ts',
    'const isOurs = receiver.peerEpoch === link.own.epoch;',
    'const isOurs = receiver.peerEpoch !== 0n;',
  ),
];
