/** Real bugs that the simulator has found in the product. They were not made on purpose. */
import { type Mutation, mutant } from '../build/mutations.js';

export const FOUND: readonly Mutation[] = [
  mutant(
    'a disk that is closed under a request keeps its descriptor',
    'blockdev-utils/file-device.ts',
    'if (last && this.#closed) fsClose(this.#fd, () => undefined);',
    'if (last && !this.#closed) return;',
  ),
  mutant(
    'a name that cannot be made to last stays',
    'io/atomic-file.ts',
    '      await calls.unlink(this.#destination);\n      throw cause;',
    '      throw cause;',
  ),
  mutant(
    'a recovery waits for ever for its disk',
    'service/orphans.ts',
    'return await withDiskDeadline(image, { timeouts, signal }, used);',
    'return await used;',
  ),
  mutant(
    "dom0's agent takes the disk away before it was heard why",
    'transfer/ring/link.ts',
    'if (this.removesDisk) await',
    'if (this.role === undefined) await',
  ),
];

/**
 * Bugs that 2,000 seeds have not found again, because they are too rare: real ones as in {@link FOUND}, and other
 * mutants. Run them with --mutant in more seeds.
 */
export const RARE: readonly Mutation[] = [
  mutant(
    'a restarted sender that gives up or dies is not noticed by a receiver that is held up',
    'transfer/ring/peer-monitor.ts',
    "    if (this.#control?.phase === 'aborted') throw this.#aborted(this.#control);\n    const silent",
    `    if (this.#expectedEpoch !== undefined && this.#control !== undefined && this.#control.epoch !== this.#expectedEpoch)
      throw this.#restarted();
    if (this.#control?.phase === 'aborted') throw this.#aborted(this.#control);
    const silent`,
  ),
  mutant(
    'a place of the ring is written again while the write before is under way',
    'transfer/ring/ring-writer.ts',
    'const reusable = Math.min(this.#consumed, this.written);',
    'const reusable = this.#consumed;',
  ),
  mutant(
    'a sink begins behind its discard',
    'transfer/receiver.ts',
    '  link.assertUsable();\n  const firstByte = clock.now();',
    '  const firstByte = clock.now();',
  ),
  mutant(
    'COMMITTED is taken back when the disk refuses it',
    'transfer/receiver.ts',
    'await atMost(clock, timeouts.deviceMs, own.publish({ phase: last }));',
    'await own.publish({ phase: last });',
  ),
  mutant(
    'a last word is overwritten',
    'transfer/ring/local-control-block.ts',
    "const IRREVOCABLE_PHASES: readonly Phase[] = ['aborted', ...ACKNOWLEDGEMENTS];",
    "const IRREVOCABLE_PHASES: readonly Phase[] = ['aborted'];",
  ),
  mutant(
    'a recovery believes that nobody was told when the disk cannot be read',
    'service/orphans.ts',
    'return phase === undefined && journal?.published !== undefined;',
    'return false;',
  ),
];
