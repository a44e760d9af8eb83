/** A file that a killed service had published is removed only when it is certain that its sender was not notified. */
import { existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDevice } from '../../../src/blockdev-utils/index.js';
import type { Phase } from '../../../src/formats/protocol/control-block.js';
import { removeOrphans } from '../../../src/service/orphans.js';
import { TransferDirectory } from '../../../src/service/transfer-directory.js';
import { DEFAULT_TIMEOUTS, Link } from '../../../src/transfer/ring/index.js';
import { driverFor } from '../../../src/xen/hotplug/index.js';
import { SILENT_LOG } from '../../support/agents/silent-log.js';
import { SMALL } from '../../support/ring/disks.js';
import { formattedImage } from '../../support/ring/formatted-image.js';

const OPTIONS = {
  driver: driverFor('file'),
  active: new Set<string>(),
  timeouts: DEFAULT_TIMEOUTS,
  log: SILENT_LOG,
};

let parent: string;
let destination: string;
beforeEach(() => {
  parent = mkdtempSync('/dev/shm/orphans-');
  destination = join(parent, 'qemu-save.3');
});
afterEach(() => rmSync(parent, { recursive: true }));

/** Creates what a service leaves that was killed in that phase, after it had published the file. */
async function killedIn(phase: Phase): Promise<TransferDirectory> {
  writeFileSync(destination, 'a state');
  const { dev, ino } = statSync(destination);
  const ids = { transfer: SMALL.transferUuid, target: 3, stubdom: 7 };
  const directory = TransferDirectory.make(parent, { version: 1, direction: 'save', destination, ...ids });
  directory.note({ published: { dev, ino } });
  await formattedImage(directory.image, SMALL);
  const device = await openDevice(directory.image, { access: 'buffered' });
  await (await Link.open(device, 'receiver', { superblock: SMALL })).close(phase);
  await device.close();
  return directory;
}

describe('a file that a killed service had published', () => {
  it('is removed when the disk shows that its sender was not notified', async () => {
    await killedIn('verified');
    const { removed } = await removeOrphans({ ...OPTIONS, transferDir: parent });
    expect(removed.map(({ kind }) => kind)).toEqual(['disk', 'unacknowledged file', 'directory']);
    expect(existsSync(destination)).toBe(false);
  });

  it('stays when the disk shows that its sender was notified', async () => {
    await killedIn('committed');
    await removeOrphans({ ...OPTIONS, transferDir: parent });
    expect(existsSync(destination)).toBe(true);
  });

  it.each([
    ['a damaged', (image: string) => truncateSync(image, 100)],
    ['a missing', (image: string) => rmSync(image)],
  ])('stays with %s disk, because its sender may have been notified', async (_, damage) => {
    const { image, path } = await killedIn('committed');
    damage(image);
    await removeOrphans({ ...OPTIONS, transferDir: parent });
    expect([existsSync(destination), existsSync(path)]).toEqual([true, false]);
  });
});
