import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { StubferryError } from '../../../src/base/errors/index.js';
import type { BlockDevice } from '../../../src/blockdev-utils/index.js';
import { BLOCK_SIZE } from '../../../src/formats/protocol/block.js';
import { examineDisk } from '../../../src/transfer/ring/index.js';
import { saveByHand } from '../../support/agents/by-hand.js';
import { feed, PatternState } from '../../support/cli/feed.js';
import { Scratch } from '../../support/cli/scratch.js';
import { SEED, SeededRandom } from '../../support/cli/seeded-random.js';

jest.setTimeout(180_000);

const STATE = new PatternState(300_001, 8, 32 * 1024);
const FLIPS = 1000;

/** A disk with the bytes of an image. Reads beyond its end fail. */
function imageDevice(image: Buffer): BlockDevice {
  return {
    path: 'image',
    size: image.length,
    blockSize: BLOCK_SIZE,
    access: 'buffered',
    read: async (into, position) => {
      if (position + into.length > image.length) throw new StubferryError('DISK_IO', 'the disk ends here');
      into.set(image.subarray(position, position + into.length));
    },
    write: async () => {
      throw new Error('an examination must not write');
    },
    flush: async () => undefined,
    stalledFor: () => 0,
    close: async () => undefined,
  };
}

/** Returns the first error that `stubferry verify` reports, or undefined. */
async function verdictOn(image: Buffer): Promise<StubferryError | undefined> {
  const errors: StubferryError[] = [];
  try {
    await examineDisk(imageDevice(image), (error) => errors.push(error));
  } catch (error) {
    if (!(error instanceof StubferryError)) throw error;
    errors.unshift(error);
  }
  return errors[0];
}

describe('a kept transfer disk whose ring has not wrapped', () => {
  const scratch = new Scratch();
  let image = Buffer.alloc(0);

  beforeAll(async () => {
    await scratch.make();
    const options = { dom0: ['--keep-disk', '--ring', '512K', '--frame', '32K'] };
    const { dom0, stubdom, disk } = saveByHand(scratch, '-', scratch.path('out'), options);
    await feed(stubdom.child.stdin, STATE.chunks());
    expect([(await dom0.end).exit, (await stubdom.end).exit]).toEqual([0, 0]);
    image = await readFile(disk);
    await scratch.remove();
  });

  it('passes the examination', async () => {
    const summary = await examineDisk(imageDevice(image), (error) => {
      throw error;
    });
    expect(summary).toMatchObject({
      payloadBytes: STATE.length,
      otherBlocks: 0,
      sender: { phase: 'done', streamed: STATE.length },
      receiver: { phase: 'committed', streamed: STATE.length },
    });
  });

  it('fails the examination with an error that names an offset, for every flipped bit', async () => {
    const random = new SeededRandom(SEED);
    for (let flip = 0; flip < FLIPS; flip += 1) {
      const [offset, bit] = [random.below(image.length), random.below(8)];
      image[offset] = (image[offset] ?? 0) ^ (1 << bit);
      const verdict = await verdictOn(image);
      image[offset] = (image[offset] ?? 0) ^ (1 << bit);
      const at = { seed: SEED, offset, bit, code: verdict?.code, named: typeof verdict?.details.offset };
      expect(at).toMatchObject({
        code: expect.stringMatching(/^(CORRUPT|NOT_A_TRANSFER_DISK)$/),
        named: 'number',
      });
    }
  });

  it('fails the examination for every flipped bit in one block of each kind', async () => {
    // Superblocks, control slots, reserved blocks, the first frames, the blank end of the ring.
    const blocks = [0, 1, 2, 3, 4, 5, 6, 15, 16, 17, 18, image.length / BLOCK_SIZE - 1];
    for (const block of blocks) {
      for (let step = 0; step < 64; step += 1) {
        const offset = block * BLOCK_SIZE + step * 64 + (step % 64);
        image[offset] = (image[offset] ?? 0) ^ 0x10;
        const verdict = await verdictOn(image);
        image[offset] = (image[offset] ?? 0) ^ 0x10;
        expect({ offset, found: verdict?.code !== undefined }).toEqual({ offset, found: true });
      }
    }
  });

  it('fails the examination when it is truncated at any block of its first 256 KiB', async () => {
    for (let size = 0; size <= 256 * 1024; size += BLOCK_SIZE)
      expect({ size, code: (await verdictOn(image.subarray(0, size)))?.code }).toEqual({
        size,
        code: expect.stringMatching(/^(CORRUPT|NOT_A_TRANSFER_DISK)$/),
      });
  });

  it('fails the examination when it is truncated at 200 random offsets', async () => {
    const random = new SeededRandom(SEED);
    for (let index = 0; index < 200; index += 1) {
      const size = random.below(image.length);
      expect({ seed: SEED, size, code: (await verdictOn(image.subarray(0, size)))?.code }).toMatchObject({
        size,
        code: expect.stringMatching(/^(CORRUPT|NOT_A_TRANSFER_DISK)$/),
      });
    }
  });
});
