import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FoundDisk, openIfReady } from '../../../../src/agents/stubdom/find-disk.js';
import { StubferryError } from '../../../../src/base/errors/index.js';
import { NIL_UUID } from '../../../../src/formats/protocol/uuid.js';
import { describeWith, LOOP_DEVICES, ROOT } from '../../../support/blockdev-utils/as-root.js';
import { attachLoop, detachLoop } from '../../../support/blockdev-utils/loop-device.js';
import { scratchFolder } from '../../../support/io/scratch-folder.js';
import { SMALL } from '../../../support/ring/disks.js';
import { formattedImage } from '../../../support/ring/formatted-image.js';

/** Opens the disk at `path`. @throws StubferryError: the reason why it is not usable */
async function openDisk(path: string): Promise<FoundDisk> {
  const expectation = { targetUuid: NIL_UUID, transferUuid: undefined, directions: ['save'] } as const;
  const disk = await openIfReady(path, expectation);
  if (disk instanceof StubferryError) throw disk;
  return disk;
}

describe('a transfer disk that is a file', () => {
  const scratch = scratchFolder();

  it('is shared with the dom0 agent through the page cache, and notifies of its writes', async () => {
    await formattedImage(scratch('disk'), SMALL);
    const { device } = await openDisk(scratch('disk'));
    expect([device.access, device.watch]).toEqual(['buffered', expect.any(Function)]);
    await device.close();
  });
});

describeWith([ROOT, LOOP_DEVICES], 'a transfer disk that is a block device', () => {
  const scratch = scratchFolder();
  let node = '';
  beforeEach(async () => {
    await formattedImage(scratch('disk'), SMALL);
    node = attachLoop(scratch('disk'));
  });
  afterEach(() => detachLoop(node));

  it('is read with O_DIRECT and does not notify, because the dom0 agent writes to the backing file', async () => {
    const { device } = await openDisk(node);
    expect([device.access, device.watch]).toEqual(['direct', undefined]);
    await device.close();
  });
});
