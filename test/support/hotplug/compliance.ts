/**
 * What every driver does, whatever its way: checks that need no test framework, so that they also run where there is none
 * (comply-in-dom0.ts).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  alignedBuffer,
  type BackingKind,
  type BlockDevice,
  backingOf,
  createImage,
  type FileLock,
  lockExclusive,
  openDevice,
} from '../../../src/blockdev-utils/index.js';
import { LIMITS } from '../../../src/formats/protocol/limits.js';
import { RING_START } from '../../../src/formats/protocol/superblock.js';
import { diskSizeFor, formatDisk, readSuperblock } from '../../../src/transfer/ring/index.js';
import { type Attachment, attachmentSchema, type HotplugDriver } from '../../../src/xen/hotplug/index.js';
import { SeededRandom } from '../cli/seeded-random.js';
import { SUPERBLOCK as SAMPLE } from '../protocol/sample-superblock.js';

const BLOCK = 4096;
const SUPERBLOCK = { ...SAMPLE, ringLength: LIMITS.ring.min, maxPayload: LIMITS.payload.min };
const SIZE = diskSizeFor(LIMITS.ring.min);

/** For the node of a device that says "Connected": udev, and the kernel of who gets it, take a moment. Milliseconds. */
const NODE_MS = 20_000;

export interface BenchOptions {
  readonly driver: HotplugDriver;
  readonly kind: BackingKind;
  /** Of the backing, which is made there. */
  readonly path: string;
  /** Who gets the disk, where it goes into a domain: this one, so that its device is here. */
  readonly stubdom?: number | undefined;
}

/** A driver, and what a check has open of it. */
export class Bench {
  readonly options: BenchOptions;
  readonly #open: BlockDevice[] = [];
  #attachment: Attachment | undefined;
  #owner: FileLock | undefined;

  constructor(options: BenchOptions) {
    this.options = options;
  }

  /** The disk as dom0's agent has it: made, owned and formatted; then attached. */
  async attached(): Promise<{ readonly backing: BlockDevice; readonly attachment: Attachment }> {
    const { driver, kind, path, stubdom } = this.options;
    await createImage(path, SIZE);
    this.#owner = await lockExclusive(path);
    const backing = await openDevice(path, { access: driver.accessTo(await backingOf(path)) });
    this.#open.push(backing);
    await formatDisk(backing, SUPERBLOCK);
    this.#attachment = await driver.attach(path, kind, { stubdom });
    return { backing, attachment: this.#attachment };
  }

  /** The device, as the stubdom's agent opens it: when it is there. */
  async opened({ device }: Attachment): Promise<BlockDevice> {
    for (const since = performance.now(); !(await opens(device)); await delay(5)) {
      assert(performance.now() - since < NODE_MS, `${device} cannot be opened`);
    }
    const access = (await backingOf(device)) === 'block' ? 'direct' : 'buffered';
    const disk = await openDevice(device, { access });
    this.#open.push(disk);
    return disk;
  }

  async ownerDies(): Promise<void> {
    await this.#owner?.release();
    this.#owner = undefined;
  }

  async end(): Promise<void> {
    for (const device of this.#open.splice(0)) await device.close();
    await this.ownerDies();
    if (this.#attachment !== undefined) await this.options.driver.detach(this.#attachment);
    this.#attachment = undefined;
  }
}

export interface Check {
  readonly title: string;
  run(bench: Bench): Promise<void>;
}

export const CHECKS: readonly Check[] = [
  {
    title: 'finds the backing to be of that kind',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      assert.equal(await backingOf(attachment.backing), bench.options.kind);
    },
  },
  {
    title: 'gives a device that carries the transfer disk as soon as it is attached',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      assert.deepEqual(await readSuperblock(await bench.opened(attachment)), SUPERBLOCK);
    },
  },
  {
    title: 'lets each side see at once what the other one writes, at any place and in any order',
    run: async (bench) => {
      const { backing, attachment } = await bench.attached();
      const device = await bench.opened(attachment);
      const random = new SeededRandom(7);
      const blocks = (SIZE - RING_START) / BLOCK;
      const [written, read] = [alignedBuffer(BLOCK), alignedBuffer(BLOCK)];
      for (let round = 0; round < 400; round += 1) {
        const [writer, reader] = round % 2 === 0 ? [backing, device] : [device, backing];
        const at = RING_START + BLOCK * random.below(blocks);
        // Read first, so that whatever caches has something stale to give.
        await reader.read(read, at);
        written.set(random.bytes(BLOCK));
        await writer.write(written, at);
        await reader.read(read, at);
        assert(Buffer.compare(read, written) === 0, `round ${round}: stale at ${at}`);
      }
    },
  },
  {
    title: 'says what is attached in plain data, by which it can be detached',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      const fromJournal = attachmentSchema.parse(JSON.parse(JSON.stringify(attachment)));
      assert.deepEqual(fromJournal, attachment);
      await bench.options.driver.detach(fromJournal);
      assert.deepEqual(await listed(bench, attachment), []);
    },
  },
  {
    title: 'has nothing left over while its owner lives, and what it has attached when the owner is dead',
    run: async (bench) => {
      const { driver } = bench.options;
      const { attachment } = await bench.attached();
      const isLeft = async (): Promise<boolean> => {
        return (await driver.orphans()).some(({ device, backing }) => {
          return device === attachment.device && backing === attachment.backing;
        });
      };
      assert.equal(await isLeft(), false);
      await bench.ownerDies();
      assert.equal(await isLeft(), attachment.device !== attachment.backing);
    },
  },
  {
    title: 'takes the device away: then it is in no list, and the backing is as it was',
    run: async (bench) => {
      const { backing, attachment } = await bench.attached();
      assert.deepEqual(await bench.options.driver.detach(attachment), {});
      assert.deepEqual(await listed(bench, attachment), []);
      assert(existsSync(attachment.backing));
      assert.deepEqual(await readSuperblock(backing), SUPERBLOCK);
    },
  },
  {
    title: 'takes away what is gone already',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      await bench.options.driver.detach(attachment);
      assert.deepEqual(await bench.options.driver.detach(attachment), {});
    },
  },
  {
    title: 'can attach and detach again and again',
    run: async (bench) => {
      const { driver, kind, path, stubdom } = bench.options;
      let { attachment } = await bench.attached();
      for (let round = 0; round < 5; round += 1) {
        assert.deepEqual(await driver.detach(attachment), {});
        attachment = await driver.attach(path, kind, { stubdom });
      }
      assert.deepEqual(await readSuperblock(await bench.opened(attachment)), SUPERBLOCK);
    },
  },
];

async function listed({ options }: Bench, attachment: Attachment): Promise<Attachment[]> {
  return (await options.driver.list()).filter(({ backing }) => backing === attachment.backing);
}

async function opens(path: string): Promise<boolean> {
  try {
    await (await openDevice(path, { access: (await backingOf(path)) === 'block' ? 'direct' : 'buffered' })).close();
    return true;
  } catch {
    return false;
  }
}
