/**
 * The requirements that every driver meets: checks that need no test framework, so that they also run in a dom0
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

/**
 * How long the node of a connected device may take to appear, in milliseconds: udev and the kernel of the stubdom need
 * a moment.
 */
const NODE_MS = 20_000;

export interface BenchOptions {
  readonly driver: HotplugDriver;
  readonly kind: BackingKind;
  /** Path of the backing, which is created there. */
  readonly path: string;
  /** The domain that gets the disk, for drivers that attach to a domain: this domain, so that its device is here. */
  readonly stubdom?: number | undefined;
}

/** A driver, and the resources that a check has open. */
export class Bench {
  readonly options: BenchOptions;
  readonly #open: BlockDevice[] = [];
  #attachment: Attachment | undefined;
  #owner: FileLock | undefined;

  constructor(options: BenchOptions) {
    this.options = options;
  }

  /** Creates, locks and formats the disk like the dom0 agent, and attaches it. */
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

  /** Opens the device like the stubdom agent, as soon as it is available. */
  async opened({ device }: Attachment): Promise<BlockDevice> {
    for (const since = performance.now(); !(await opens(device)); await delay(5)) {
      assert(performance.now() - since < NODE_MS, `${device} cannot be opened`);
    }
    const access = (await backingOf(device)) === 'block' ? 'direct' : 'buffered';
    const disk = await openDevice(device, { access });
    this.#open.push(disk);
    return disk;
  }

  async killOwner(): Promise<void> {
    await this.#owner?.release();
    this.#owner = undefined;
  }

  async end(): Promise<void> {
    for (const device of this.#open.splice(0)) await device.close();
    await this.killOwner();
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
    title: 'detects the kind of the backing',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      assert.equal(await backingOf(attachment.backing), bench.options.kind);
    },
  },
  {
    title: 'returns a device that contains the transfer disk as soon as it is attached',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      assert.deepEqual(await readSuperblock(await bench.opened(attachment)), SUPERBLOCK);
    },
  },
  {
    title: 'lets each side immediately read what the other one writes, at any offset and in any order',
    run: async (bench) => {
      const { backing, attachment } = await bench.attached();
      const device = await bench.opened(attachment);
      const random = new SeededRandom(7);
      const blocks = (SIZE - RING_START) / BLOCK;
      const [written, read] = [alignedBuffer(BLOCK), alignedBuffer(BLOCK)];
      for (let round = 0; round < 400; round += 1) {
        const [writer, reader] = round % 2 === 0 ? [backing, device] : [device, backing];
        const offset = RING_START + BLOCK * random.below(blocks);
        // Read first, so that any cache contains a stale block.
        await reader.read(read, offset);
        written.set(random.bytes(BLOCK));
        await writer.write(written, offset);
        await reader.read(read, offset);
        assert(Buffer.compare(read, written) === 0, `round ${round}: stale at ${offset}`);
      }
    },
  },
  {
    title: 'returns attachments as plain data with which they can be detached',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      const fromJournal = attachmentSchema.parse(JSON.parse(JSON.stringify(attachment)));
      assert.deepEqual(fromJournal, attachment);
      await bench.options.driver.detach(fromJournal);
      assert.deepEqual(await listed(bench, attachment), []);
    },
  },
  {
    title: 'reports an attachment as orphan only after the death of its owner',
    run: async (bench) => {
      const { driver } = bench.options;
      const { attachment } = await bench.attached();
      const isOrphan = async (): Promise<boolean> => {
        return (await driver.orphans()).some(({ device, backing }) => {
          return device === attachment.device && backing === attachment.backing;
        });
      };
      assert.equal(await isOrphan(), false);
      await bench.killOwner();
      assert.equal(await isOrphan(), attachment.device !== attachment.backing);
    },
  },
  {
    title: 'detaches the device: it is listed nowhere, and the backing is unchanged',
    run: async (bench) => {
      const { backing, attachment } = await bench.attached();
      assert.deepEqual(await bench.options.driver.detach(attachment), {});
      assert.deepEqual(await listed(bench, attachment), []);
      assert(existsSync(attachment.backing));
      assert.deepEqual(await readSuperblock(backing), SUPERBLOCK);
    },
  },
  {
    title: 'detaches a device that is detached already',
    run: async (bench) => {
      const { attachment } = await bench.attached();
      await bench.options.driver.detach(attachment);
      assert.deepEqual(await bench.options.driver.detach(attachment), {});
    },
  },
  {
    title: 'attaches and detaches repeatedly',
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
