/** What every driver does, whatever its way: one suite for all. */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  alignedBuffer,
  type BackingKind,
  type BlockDevice,
  backingOf,
  createImage,
  type FileLock,
  lockExclusive,
  openDevice,
} from '../../src/blockdev-utils/index.js';
import { diskSizeFor, formatDisk, readSuperblock } from '../../src/channel/index.js';
import { LIMITS } from '../../src/codec/limits.js';
import { RING_START } from '../../src/codec/superblock.js';
import { type Attachment, type DriverName, driverFor, type HotplugDriver } from '../../src/hotplug/index.js';
import { describeWith, LOOP_DEVICES, type Need, ROOT } from '../blockdev-utils/as-root.js';
import { SeededRandom } from '../cli/seeded-random.js';
import { SUPERBLOCK as SAMPLE } from '../codec/sample-superblock.js';
import { folderIn, PLACES } from './places.js';

const BLOCK = 4096;
const SUPERBLOCK = { ...SAMPLE, ringLength: LIMITS.ring.min, maxPayload: LIMITS.payload.min };
const SIZE = diskSizeFor(LIMITS.ring.min);

const SUITES: readonly (readonly [DriverName, readonly Need[]])[] = [
  ['file', []],
  ['loop', [ROOT, LOOP_DEVICES]],
];

for (const [name, needs] of SUITES) {
  describeWith(needs, `the ${name} driver`, () => {
    for (const [kind, parent] of PLACES)
      describe(`with a ${kind} backing`, () => complies(driverFor(name), kind, parent));
  });
}

function complies(driver: HotplugDriver, kind: BackingKind, parent: string): void {
  const open: BlockDevice[] = [];
  let attachment: Attachment | undefined;
  let owner: FileLock | undefined;

  afterEach(async () => {
    for (const device of open.splice(0)) await device.close();
    await owner?.release();
    if (attachment !== undefined) await driver.detach(attachment);
    attachment = owner = undefined;
  });
  const place = folderIn(parent);

  /** The disk as dom0's agent has it: made, owned and formatted; then attached. */
  async function attached(): Promise<{ backing: BlockDevice; attachment: Attachment }> {
    const path = place('transfer.img');
    await createImage(path, SIZE);
    owner = await lockExclusive(path);
    const backing = await openDevice(path, { access: driver.accessTo(await backingOf(path)) });
    open.push(backing);
    await formatDisk(backing, SUPERBLOCK);
    attachment = await driver.attach(path, kind);
    return { backing, attachment };
  }

  /** The device, as the stubdom's agent opens it. */
  async function opened({ device }: Attachment): Promise<BlockDevice> {
    const access = (await backingOf(device)) === 'block' ? 'direct' : 'buffered';
    const disk = await openDevice(device, { access });
    open.push(disk);
    return disk;
  }

  it('finds the backing to be of that kind', async () => {
    const { attachment } = await attached();
    expect(await backingOf(attachment.backing)).toBe(kind);
  });

  it('gives a device that carries the transfer disk as soon as it is attached', async () => {
    const { attachment } = await attached();
    expect(await readSuperblock(await opened(attachment))).toEqual(SUPERBLOCK);
  });

  it('lets each side see at once what the other one writes, at any place and in any order', async () => {
    const { backing, attachment } = await attached();
    const device = await opened(attachment);
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
      expect(Buffer.compare(read, written)).toBe(0);
    }
  });

  it('has nothing left over while its owner lives, and what it has attached when the owner is dead', async () => {
    const { attachment } = await attached();
    expect(await driver.leftovers()).not.toContainEqual(attachment);
    await owner?.release();
    owner = undefined;
    const attaches = attachment.device !== attachment.backing;
    expect((await driver.leftovers()).some(({ device }) => device === attachment.device)).toBe(attaches);
  });

  it('takes the device away: then it is in no list, and the backing is as it was', async () => {
    const { backing, attachment: here } = await attached();
    await driver.detach(here);
    attachment = undefined;
    expect((await driver.list()).filter(({ device }) => device === here.device)).toEqual([]);
    expect(existsSync(here.backing)).toBe(true);
    expect(await readSuperblock(backing)).toEqual(SUPERBLOCK);
  });
}
