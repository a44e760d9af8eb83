/** Bugs in timeouts. */
import { type Mutation, mutant } from '../build/mutations.js';

export const TIMEOUTS: readonly Mutation[] = [
  mutant(
    'the silence of the peer is not counted',
    'transfer/ring/peer-monitor.ts',
    "} else if (this.#control.phase !== 'done' && silent > this.#timeouts.deadMs && !this.#isDiskSilent()) {",
    '} else if (silent < 0) {',
  ),
  mutant(
    'no deadline for a sender that sends nothing',
    'transfer/ring/missing-frame.ts',
    'if (this.#stall.look() > timeouts.progressMs) throw this.#givenUp(reason, offset);',
    'if (this.#stall.look() < 0) throw this.#givenUp(reason, offset);',
  ),
  mutant(
    'a disk that does not answer is waited for',
    'transfer/ring/link.ts',
    'if (this.#stall.look() > this.timeouts.deviceMs) {',
    'if (this.#stall.look() < 0) {',
  ),
  mutant(
    'no deadline for a receiver that takes nothing',
    'transfer/ring/ring-writer.ts',
    'if (stall.look() > timeouts.progressMs) {',
    'if (stall.look() < 0) {',
  ),
  mutant(
    'no deadline for an acknowledgement',
    'transfer/acknowledgement.ts',
    'if (waited <= limit) return;',
    'if (waited >= 0) return;',
  ),
  mutant(
    'no deadline for a destination that does not take the state',
    'transfer/watched-sink.ts',
    'if (this.#limit === undefined || this.#stall.look() <= this.#limit) return;',
    'if (this.#limit === undefined || this.#stall.look() >= 0) return;',
  ),
  mutant(
    'no deadline for a transfer as a whole',
    'service/service-transfer.ts',
    'this.#stopTimer = clock.after(ms, () => {',
    'this.#stopTimer = clock.after(1e6 * ms, () => {',
  ),
];
