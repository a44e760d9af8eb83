/** What becomes of a file that a killed agent had published: it goes only when it is certain that its sender was not told. */
import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDevice } from '../../../src/blockdev-utils/index.js';
import type { Phase } from '../../../src/formats/protocol/control-block.js';
import { removeOrphans } from '../../../src/service/orphans.js';
import { TransferFolder } from '../../../src/service/transfer-folder.js';
import { DEFAULT_TIMEOUTS, Link } from '../../../src/transfer/ring/index.js';
import { driverFor } from '../../../src/xen/hotplug/index.js';
import { SILENT_LOG } from '../../support/agents/silent-log.js';
import { SMALL } from '../../support/ring/disks.js';
import { formattedImage } from '../../support/ring/formatted-image.js';

const OPTIONS = {
  driver: driverFor('file'),
  living: new Set<string>(),
  timeouts: DEFAULT_TIMEOUTS,
  log: SILENT_LOG,
};

let parent: string;
let destination: string;
beforeEach(() => {
  parent = mkdtempSync('/dev/shm/leftovers-');
  destination = join(parent, 'qemu-save.3');
});
afterEach(() => rmSync(parent, { recursive: true }));

/** An agent that was killed in that phase, after it had given the file its name. */
async function killedIn(phase: Phase): Promise<TransferFolder> {
  writeFileSync(destination, 'a state');
  const { dev, ino } = statSync(destination);
  const ids = { transfer: SMALL.transferUuid, target: 3, stubdom: 7 };
  const folder = TransferFolder.make(parent, { version: 1, direction: 'save', destination, ...ids });
  folder.note({ published: { dev, ino } });
  await formattedImage(folder.image, SMALL);
  const device = await openDevice(folder.image, { access: 'buffered' });
  await (await Link.open(device, 'receiver', { superblock: SMALL })).close(phase);
  await device.close();
  return folder;
}

describe('a file that a killed agent had published', () => {
  it('is removed when the disk says that its sender was not told', async () => {
    await killedIn('verified');
    const { removed } = await removeOrphans({ ...OPTIONS, transferDir: parent });
    expect(removed.map(({ kind }) => kind)).toEqual(['disk', 'unacknowledged file', 'folder']);
    expect(existsSync(destination)).toBe(false);
  });

  it('stays when the disk says that its sender was told', async () => {
    await killedIn('committed');
    await removeOrphans({ ...OPTIONS, transferDir: parent });
    expect(existsSync(destination)).toBe(true);
  });

  it.each([
    ['is damaged', (image: string) => truncateSync(image, 100)],
    ['is gone', (image: string) => rmSync(image)],
  ])('stays when the disk %s: its sender may have been told', async (_, harm) => {
    const { image, path } = await killedIn('committed');
    harm(image);
    await removeOrphans({ ...OPTIONS, transferDir: parent });
    expect([existsSync(destination), existsSync(path)]).toEqual([true, false]);
  });
});
