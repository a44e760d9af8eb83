/**
 * A complete migration by QEMU alone, of a guest with an operating system: the guest continues to count without a gap.
 */
import { expect, it } from '@jest/globals';
import { describeWith } from '../../support/blockdev-utils/as-root.js';
import { useScratch } from '../../support/cli/scratch.js';
import { countsIn } from '../../support/qemu/boot-sector.js';
import { linuxGuest } from '../../support/qemu/linux-guest.js';
import { startMachine } from '../../support/qemu/machine.js';
import { A_LINUX_GUEST } from '../../support/qemu/needs.js';

describeWith(A_LINUX_GUEST, 'a guest with Linux', () => {
  const scratch = useScratch();

  it('boots, is migrated through a file, and continues to count', async () => {
    const guest = { folder: scratch.folder, machine: ['-machine', 'pc'], ...linuxGuest(scratch.folder) };
    const source = await startMachine({ ...guest, name: 'source' });
    await source.untilCounting(3);
    await source.migrateTo(scratch.path('stream'));
    expect(await source.runState()).toBe('postmigrate');
    await source.kill();

    const destination = await startMachine({
      ...guest,
      name: 'destination',
      incoming: `exec:cat ${scratch.path('stream')}`,
    });
    await destination.untilState('running');
    await destination.untilCounting(source.counter() + 5);
    const counts = countsIn(source.serial() + destination.serial());
    expect(counts).toEqual(counts.map((_, index) => index + 1));
  }, 120_000);
});
