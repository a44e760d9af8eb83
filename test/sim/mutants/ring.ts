/** Bugs in the ring and its frames. */
import { type Mutation, mutant } from '../build/mutations.js';

export const RING: readonly Mutation[] = [
  mutant(
    'the chain over the payload is not checked',
    'transfer/ring/ring-reader.ts',
    'if (chainOver(paddedPayload, expected.chain) !== header.chainAfter) {',
    'if (header.chainAfter < 0n) {',
  ),
  mutant(
    'a torn frame is given up at once instead of looked at again',
    'transfer/ring/ring-reader.ts',
    "      this.#windows.forget();\n      return 'torn';",
    "      return 'torn';",
  ),
  mutant(
    'a frame of an earlier sender is taken',
    'transfer/ring/frame-check.ts',
    "if (header.epoch !== expected.epoch) return 'other-epoch';",
    '',
  ),
  mutant(
    'a frame of an earlier lap is an error',
    'transfer/ring/frame-check.ts',
    "if (ahead < 0) return 'earlier-lap';",
    "if (ahead < 0) throw violation('position', expected.position, header.position);",
  ),
  mutant(
    'where a frame was written for is not looked at',
    'transfer/ring/frame-check.ts',
    'const ahead = header.position - expected.position;',
    'const ahead = 0 * header.position;',
  ),
  mutant(
    'the limit of the whole state is not checked',
    'transfer/ring/frame-check.ts',
    'header.streamOffset + header.payloadLength > superblock.maxState',
    'header.streamOffset + header.payloadLength > Number.MAX_SAFE_INTEGER',
  ),
  mutant(
    'the writer overruns what was not read yet',
    'transfer/ring/ring-writer.ts',
    'return this.#link.superblock.ringLength - (this.#position - reusable);',
    'return 2 * this.#link.superblock.ringLength - (this.#position - this.#consumed);',
  ),
  mutant(
    'the cursor is published before the data are consumed',
    'transfer/ring/ring-reader.ts',
    'this.#link.own.set({ cursor: position, streamed: streamOffset });',
    'this.#link.own.set({ cursor: position + this.#link.superblock.ringLength / 2, streamed: streamOffset });',
  ),
  mutant(
    'a slot is filled again while it is being written',
    'transfer/ring/ring-writer.ts',
    'device.write(bytes, ringOffset(superblock, position)).then(() => done(), done);',
    'this.#free.push(slot); device.write(bytes, ringOffset(superblock, position)).then(() => { done(); this.#free.pop(); }, done);',
  ),
  mutant(
    'what is at the end of a lap is not padded',
    'transfer/ring/ring-writer.ts',
    'if (frameLength > lapLeft) await this.#pad(lapLeft);',
    'if (frameLength > lapLeft) this.#position += lapLeft;',
  ),
  mutant(
    'small frames go to the disk as one write across the end of a lap',
    'transfer/ring/ring-writer.ts',
    'if (this.#position % this.#link.superblock.ringLength === 0) this.#flush();',
    '',
  ),
  mutant(
    'a window keeps what did not check',
    'transfer/ring/ring-windows.ts',
    '  forget(): void {\n    this.#current = undefined;',
    '  forget(): void {',
  ),
];
